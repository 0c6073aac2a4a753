"""HTTP Request: the requests that it asks for, and the items that it makes of the answers. Nothing is sent here."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.workflow.nodes.case import Case, Fails, check, file
from workflow.core.driver import Driver
from workflow.core.effects import CallHttp, Effect, WaitUntil
from workflow.core.execution import Reply
from workflow.core.failure import Failure

URL = "https://api.example/items"


def answer(
    body: Any = None, *, status: int = 200, kind: str = "application/json", text: str | None = None, **headers: str
) -> Reply:
    shown = text if text is not None else json.dumps({} if body is None else body)
    return Reply(value={"status": status, "headers": {"Content-Type": kind, **headers}, "body": shown, "url": URL})


def refused(status: int, text: str) -> dict[str, Any]:
    """As an item shows it."""
    return {
        "message": f"{status} - {json.dumps(text)}",
        "name": "AxiosError",
        "stack": f"AxiosError: Request failed with status code {status}",
        "code": "ERR_BAD_RESPONSE",
        "status": status,
    }


def asked(driver: Driver, parameters: dict[str, Any], *, version: float = 4.2, item: Any = None, **settings: Any) -> CallHttp:
    """The first request that the node asks for."""
    given = {"url": URL, **parameters}
    case = Case(
        name="", kind="httpRequest", version=version, parameters=given, items=[item or {}], settings=settings, gives=[[{}]]
    )
    check(driver, case, lambda _: answer())
    return next(effect for effect in driver.effects if isinstance(effect, CallHttp))


def body(request: CallHttp) -> str:
    return base64.b64decode(request.body_base64 or "").decode()


def fields(*pairs: tuple[str, Any]) -> dict[str, Any]:
    return {"parameters": [{"name": name, "value": value} for name, value in pairs]}


@pytest.mark.parametrize(
    ("parameters", "url"),
    [
        ({}, URL),
        ({"url": "={{ 'https://api.example/' + $json.id }}"}, "https://api.example/7"),
        ({"sendQuery": True, "queryParameters": fields(("a", "x y"), ("b", "={{ $json.id }}"))}, f"{URL}?a=x%20y&b=7"),
        ({"url": f"{URL}?z=1", "sendQuery": True, "queryParameters": fields(("a", 1))}, f"{URL}?z=1&a=1"),
        ({"sendQuery": True, "specifyQuery": "json", "jsonQuery": '{"a": [1, 2]}'}, f"{URL}?a%5B0%5D=1&a%5B1%5D=2"),
        ({"sendQuery": True, "specifyQuery": "json", "jsonQuery": '{"a": [1, 2]}', "options": {"queryParameterArrays": "repeat"}}, f"{URL}?a=1&a=2"),
        ({"sendQuery": True, "specifyQuery": "json", "jsonQuery": '{"a": [1]}', "options": {"queryParameterArrays": "indices"}}, f"{URL}?a%5B0%5D=1"),
        ({"queryParameters": fields(("a", 1))}, URL),
    ],
)  # fmt: skip
def test_the_url_has_the_query(driver: Driver, parameters: dict[str, Any], url: str) -> None:
    assert asked(driver, parameters, item={"id": 7}).url == url


@pytest.mark.parametrize(
    ("parameters", "sent", "kind"),
    [
        ({"bodyParameters": fields(("a", 1), ("b", "={{ $json.id }}"))}, '{"a":1,"b":7}', "application/json"),
        ({"specifyBody": "json", "jsonBody": '={"a": {{ $json.id }}}'}, '{"a":7}', "application/json"),
        ({"specifyBody": "json", "jsonBody": "={{ {a: [$json.id]} }}"}, '{"a":[7]}', "application/json"),
        ({"contentType": "form-urlencoded", "bodyParameters": fields(("a", "x y&z"))}, "a=x%20y%26z", "application/x-www-form-urlencoded"),
        ({"contentType": "form-urlencoded", "specifyBody": "string", "body": "a=1&b=2"}, "a=1&b=2", "application/x-www-form-urlencoded"),
        ({"contentType": "raw", "rawContentType": "text/csv", "body": "a,b"}, "a,b", "text/csv"),
        ({"contentType": "binaryData", "inputDataFieldName": "data"}, "héllo", "text/plain"),
    ],
)  # fmt: skip
def test_the_body_is_of_its_kind(driver: Driver, parameters: dict[str, Any], sent: str, kind: str) -> None:
    item = {"json": {"id": 7}, "binary": {"data": file("héllo")}}
    request = asked(driver, {"method": "POST", "sendBody": True, **parameters}, item=item)
    assert (request.method, body(request), request.headers["content-type"]) == ("POST", sent, kind)


def test_a_form_carries_files(driver: Driver) -> None:
    parts = [{"name": "n", "value": "1"}, {"name": "f", "parameterType": "formBinaryData", "inputDataFieldName": "data"}]
    parameters = {
        "method": "POST",
        "sendBody": True,
        "contentType": "multipart-form-data",
        "bodyParameters": {"parameters": parts},
    }
    request = asked(driver, parameters, item={"json": {}, "binary": {"data": file("hello", "h.txt")}})
    assert 'name="n"\r\n\r\n1\r\n' in body(request)
    assert 'name="f"; filename="h.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n' in body(request)
    boundary = request.headers["content-type"].partition("boundary=")[2]
    assert body(request).endswith(f"--{boundary}--\r\n")


def test_headers_are_sent_and_win(driver: Driver) -> None:
    parameters = {
        "sendHeaders": True,
        "headerParameters": fields(("X-Id", "={{ $json.id }}"), ("Content-Type", "text/x")),
        "sendBody": True,
        "bodyParameters": fields(("b", "c")),
    }
    request = asked(driver, {"method": "PUT", **parameters}, item={"id": 7})
    assert request.headers["x-id"] == "7"
    assert request.headers["content-type"] == "text/x"


def test_headers_as_json(driver: Driver) -> None:
    assert asked(driver, {"sendHeaders": True, "specifyHeaders": "json", "jsonHeaders": '{"X-A": "b"}'}).headers["x-a"] == "b"


@pytest.mark.parametrize(
    ("version", "parameters", "name"),
    [
        (4.2, {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}, "httpHeaderAuth"),
        (4.2, {"authentication": "predefinedCredentialType", "nodeCredentialType": "slackApi"}, "slackApi"),
        (1, {"authentication": "basicAuth"}, "httpBasicAuth"),
        (2, {"authentication": "queryAuth"}, "httpQueryAuth"),
    ],
)
def test_credentials_go_by_name(driver: Driver, version: float, parameters: dict[str, Any], name: str) -> None:
    chosen = {name: {"id": "1", "name": "mine"}, "other": {"id": "2", "name": "not this"}}
    assert asked(driver, parameters, version=version, credentials=chosen).credentials == {name: {"id": "1", "name": "mine"}}


def test_credentials_that_are_not_chosen_fail_the_node(driver: Driver) -> None:
    parameters = {"url": URL, "authentication": "genericCredentialType", "genericAuthType": "httpBasicAuth"}
    check(driver, Case(name="", kind="httpRequest", version=4.2, parameters=parameters, gives=Fails("any credentials set")))


def test_options_are_of_the_effect(driver: Driver) -> None:
    options = {
        "timeout": 1500,
        "redirect": {"redirect": {"followRedirects": False}},
        "allowUnauthorizedCerts": True,
        "proxy": "http://p.example",
    }
    request = asked(driver, {"options": options})
    assert (request.timeout_seconds, request.follow_redirects, request.verify_tls, request.proxy) == (
        1.5,
        False,
        False,
        "http://p.example",
    )


@pytest.mark.parametrize("version", [1, 2])
def test_older_versions_have_other_names(driver: Driver, version: float) -> None:
    parameters = {
        "requestMethod": "POST",
        "queryParametersUi": {"parameter": [{"name": "q", "value": "1"}]},
        "bodyParametersUi": {"parameter": [{"name": "b", "value": "2"}]},
        "headerParametersUi": {"parameter": [{"name": "X-H", "value": "3"}]},
    }
    request = asked(driver, parameters, version=version)
    assert (request.method, request.url, body(request), request.headers["x-h"]) == ("POST", f"{URL}?q=1", '{"b":"2"}', "3")


def test_older_versions_take_json(driver: Driver) -> None:
    parameters = {
        "requestMethod": "PATCH",
        "jsonParameters": True,
        "bodyParametersJson": '{"a": 1}',
        "queryParametersJson": '{"q": 2}',
    }
    request = asked(driver, parameters, version=1)
    assert (request.method, request.url, body(request)) == ("PATCH", f"{URL}?q=2", '{"a":1}')


def respond(name: str, reply: Reply, gives: Any, *, options: Any = None, **more: Any) -> Any:
    parameters = {"url": URL, "options": {"response": {"response": options}} if options else {}}
    return pytest.param(
        Case(name=name, kind="httpRequest", version=4.2, parameters=parameters, gives=gives, **more), reply, id=name
    )


JSON = {"headers": {"Content-Type": "application/json"}, "statusCode": 200, "statusMessage": ""}
ANSWERS = (
    respond("an object", answer({"a": 1}), [[{"a": 1}]]),
    respond("a list", answer([{"a": 1}, {"a": 2}]), [[{"a": 1}, {"a": 2}]], pairs=[{"item": 0}, {"item": 0}]),
    respond("a list of numbers", answer([1, 2]), [[1, 2]]),
    respond("nothing", answer(text=""), [[{}]]),
    respond("of a type that is not quite json", answer({"a": 1}, kind="application/ld+json; charset=utf-8"), [[{"data": '{"a": 1}'}]]),
    respond("text", answer(text="<p>", kind="text/html"), [[{"data": "<p>"}]]),
    respond("text elsewhere", answer(text="x"), [[{"t": "x"}]], options={"responseFormat": "text", "outputPropertyName": "t"}),
    respond("full", answer({"a": 1}), [[{"body": {"a": 1}, **JSON}]], options={"fullResponse": True}),
    respond("full text", answer(text="x"), [[{"data": "x", **JSON}]], options={"fullResponse": True, "responseFormat": "text"}),
    respond("not json", answer(text="<p>"), Fails("not valid JSON"), options={"responseFormat": "json"}),
    respond("404", answer({"e": 1}, status=404), Fails("could not be found")),
    respond("418", answer({"e": 1}, status=418), Fails("418")),
    respond("never an error", answer({"e": 1}, status=404), [[{"e": 1}]], options={"neverError": True}),
    respond("the connection fails", Reply(failure=Failure(message="connect ECONNREFUSED")), Fails("ECONNREFUSED")),
    respond("goes on", answer(status=500), [[{"error": refused(500, "{}")}]], settings={"onError": "continueRegularOutput"}),
)  # fmt: skip


@pytest.mark.parametrize(("case", "reply"), ANSWERS)
def test_an_answer_becomes_items(driver: Driver, case: Case, reply: Reply) -> None:
    check(driver, case, lambda _: reply)


@pytest.mark.parametrize("url", ["ftp://x.example", "x.example", "", "javascript:1"])
def test_a_url_that_is_none_is_refused(driver: Driver, url: str) -> None:
    check(driver, Case(name="", kind="httpRequest", version=4.2, parameters={"url": url}, gives=Fails("Invalid URL")))
    assert not driver.effects


def test_a_file_keeps_name_and_kind(driver: Driver) -> None:
    reply = Reply(
        value={"status": 200, "headers": {"content-type": "image/png"}, "body_base64": "AAEC", "url": f"{URL}/p%20q.png"}
    )
    case = Case(name="", kind="httpRequest", version=4.2, parameters={"url": URL}, items=[{"k": 1}], gives=[[{"k": 1}]])
    made = check(driver, case, lambda _: reply).last_items()[0]["binary"]["data"]
    assert (made["fileName"], made["mimeType"], made["data"], made["fileType"]) == ("p%20q.png", "image/png", "AAEC", "image")


def echo(numbers: Callable[[CallHttp], Reply]) -> Callable[[Effect], Reply]:
    def carry_out(effect: Effect) -> Reply:
        assert isinstance(effect, CallHttp)
        return numbers(effect)

    return carry_out


def test_each_item_is_a_request_and_one_that_fails_is_named(driver: Driver) -> None:
    parameters = {"url": f"={URL}/{{{{ $json.n }}}}"}
    carry = echo(lambda effect: answer({"url": effect.url}, status=404 if effect.url.endswith("/1") else 200))
    case = Case(
        name="",
        kind="httpRequest",
        version=4.2,
        parameters=parameters,
        items=[{"n": 0}, {"n": 1}],
        gives=Fails("could not be found"),
    )
    execution = check(driver, case, carry)
    assert execution.failure is not None
    assert execution.failure.item == 1


def test_batches_wait_for_each_other(driver: Driver) -> None:
    parameters = {"url": URL, "options": {"batching": {"batch": {"batchSize": 2, "batchInterval": 500}}}}
    case = Case(name="", kind="httpRequest", version=4.2, parameters=parameters, items=[{}] * 5, gives=[[{}] * 5])
    check(driver, case, lambda _: answer())
    kinds = "".join("w" if isinstance(effect, WaitUntil) else "h" for effect in driver.effects)
    assert kinds == "hhwhhwh"


def pages(settings: dict[str, Any], items: list[Any], carry: Callable[[CallHttp], Reply], driver: Driver) -> list[str]:
    parameters = {"url": URL, "options": {"pagination": {"pagination": settings}}}
    check(driver, Case(name="", kind="httpRequest", version=4.2, parameters=parameters, gives=[items]), echo(carry))
    return [effect.url for effect in driver.effects if isinstance(effect, CallHttp)]


def test_pages_until_one_is_empty(driver: Driver) -> None:
    settings = {"parameters": fields(("page", "={{ $pageCount + 1 }}"))}
    carried = pages(
        settings, [{"p": 1}, {"p": 1}, {}], lambda effect: answer([{"p": 1}] if effect.url[-1] in "12" else {}), driver
    )
    assert carried == [f"{URL}?page={n}" for n in (1, 2, 3)]


def test_pages_by_the_url_of_the_next(driver: Driver) -> None:
    settings = {
        "paginationMode": "responseContainsNextURL",
        "nextURL": "={{ $response.body.next }}",
        "paginationCompleteWhen": "other",
        "completeExpression": "={{ !$response.body.next }}",
    }
    carried = pages(
        settings,
        [{"next": f"{URL}/2"}, {}],
        lambda effect: answer({} if effect.url.endswith("2") else {"next": f"{URL}/2"}),
        driver,
    )
    assert carried == [URL, f"{URL}/2"]


def test_pages_until_a_limit(driver: Driver) -> None:
    settings = {"limitPagesFetched": True, "maxRequests": 2, "parameters": fields(("p", "={{ $pageCount }}"))}
    assert pages(settings, [{"a": 1}, {"a": 1}], lambda _: answer({"a": 1}), driver) == [f"{URL}?p=0", f"{URL}?p=1"]


def test_pages_until_a_status(driver: Driver) -> None:
    settings = {"paginationCompleteWhen": "receiveSpecificStatusCodes", "statusCodesWhenComplete": "204"}
    replies = iter([answer({"a": 1}), answer(text="", status=204)])
    assert len(pages(settings, [{"a": 1}, {}], lambda _: next(replies), driver)) == 2


def test_pages_that_never_end_are_stopped(driver: Driver) -> None:
    parameters = {
        "url": URL,
        "options": {"pagination": {"pagination": {"paginationCompleteWhen": "other", "completeExpression": "={{ false }}"}}},
    }
    check(
        driver,
        Case(name="", kind="httpRequest", version=4.2, parameters=parameters, gives=Fails("1000 pages")),
        lambda _: answer({"a": 1}),
    )
