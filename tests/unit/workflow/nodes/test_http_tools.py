"""Tools of agents that make requests: what the model is told of them, what it fills, and what it is shown."""

import base64
import json
from typing import Any

import pytest

from tests.unit.workflow.build import node
from tests.unit.workflow.nodes.test_ai import MODEL, attach, flow, requests
from workflow.core.driver import Driver
from workflow.core.effects import CallHttp, Effect, RunSql, SubmitTask
from workflow.core.execution import Reply

URL = "https://api.example"


def used(driver: Driver, tool: Any, given: Any, answer: Any = None, *, status: int = 200) -> tuple[list[Effect], str, str]:
    """The effects but the questions, what the model was told of the tool, and what it was shown."""
    texts = [json.dumps({"tool": "ask", "input": given}), "done"]
    shown = answer if isinstance(answer, str) else json.dumps(answer)

    def carry_out(effect: Effect) -> Reply:
        if isinstance(effect, SubmitTask):
            return Reply(value={"status": "completed", "output": {"text": texts.pop(0)}})
        if isinstance(effect, RunSql):
            return Reply(value=[{"rows": answer}])
        return Reply(value={"status": status, "headers": {"content-type": "application/json"}, "body": shown, "url": URL})

    driver.effects.clear()
    driver.carry_out = carry_out
    execution = driver.run(flow("agent", {}, [{"chatInput": "x", "id": 7}], MODEL, tool))
    assert execution.last_items()[0]["json"] == {"output": "done"}
    asked = [effect for effect in driver.effects if not isinstance(effect, SubmitTask)]
    return (
        asked,
        requests(driver)[0]["messages"][0]["content"],
        requests(driver)[1]["messages"][-1]["content"].partition("\n")[2],
    )


def http_tool(**parameters: Any) -> Any:
    return attach("ask", "toolHttpRequest", "Node", "ai_tool", {"toolDescription": "asks", **parameters}, 1.1)


def values(*given: tuple[str, str, str]) -> dict[str, Any]:
    return {"values": [{"name": name, "valueProvider": provider, "value": value} for name, provider, value in given]}


def test_the_model_fills_places_and_fields(driver: Driver) -> None:
    tool = http_tool(
        method="POST",
        url=URL + "/{city}/now",
        placeholderDefinitions={"values": [{"name": "city", "description": "of Germany", "type": "string"}]},
        sendQuery=True,
        parametersQuery=values(
            ("days", "modelOptional", ""), ("id", "fieldValue", "={{ $json.id }}"), ("unit", "modelRequired", "")
        ),
        sendHeaders=True,
        parametersHeaders=values(("X-For", "fieldValue", "{city}")),
        sendBody=True,
        specifyBody="json",
        jsonBody='{"say": "in {city}", "count": {count}}',
    )
    given = {"city": 'Köln "Süd"', "unit": "c", "count": 3}
    (asked,), told, shown = used(driver, tool, given, {"warm": True})
    assert isinstance(asked, CallHttp)
    assert asked.url == f"{URL}/K%C3%B6ln%20%22S%C3%BCd%22/now?id=7&unit=c"
    assert (asked.method, asked.headers["x-for"]) == ("POST", 'Köln "Süd"')
    assert json.loads(base64.b64decode(asked.body_base64 or "")) == {"say": 'in Köln "Süd"', "count": 3}
    assert '"city" (string: of Germany)' in told
    assert '"days" (string, may be left out)' in told
    assert json.loads(shown) == {"warm": True}


@pytest.mark.parametrize(
    ("given", "says"),
    [({}, "The input lacks city"), ("Bonn", ""), ({"city": "Bonn"}, ""), (json.dumps({"city": "Bonn"}), "")],
)
def test_a_text_fills_the_only_place(driver: Driver, given: Any, says: str) -> None:
    asked, _, shown = used(driver, http_tool(url=URL + "/{city}"), given, {})
    assert [effect.url for effect in asked if isinstance(effect, CallHttp)] == ([] if says else [f"{URL}/Bonn"])
    assert says in shown


def test_a_url_of_the_models_own_and_an_error(driver: Driver) -> None:
    (asked,), _, shown = used(driver, http_tool(url="{url}"), {"url": "https://x.example/a?b=c"}, "gone", status=404)
    assert isinstance(asked, CallHttp)
    assert asked.url == "https://x.example/a?b=c"
    assert shown == "The tool failed: The service answered with status 404: gone"


@pytest.mark.parametrize(
    ("url", "filled", "asked_for"),
    [
        ("https://api.example{x}", "@evil.example", None),
        ("https://api.example{x}/v1", ".evil.example", None),
        ("https://api.example:{x}/v1", "1@evil.example", None),
        ("https://{x}.api.example/", "a@evil.example:1", None),
        ("https://api.example:{x}/v1", "8443", "https://api.example:8443/v1"),
        ("https://{x}/v1", "other.example", "https://other.example/v1"),
        ("https://{x}.api.example/", "eu", "https://eu.api.example/"),
        ("https://api.example/{x}", "@a", "https://api.example/@a"),
    ],
)
def test_what_is_filled_in_changes_no_host_that_is_named(driver: Driver, url: str, filled: str, asked_for: str | None) -> None:
    asked, _, shown = used(driver, http_tool(url=url), {"x": filled}, {})
    assert [effect.url for effect in asked if isinstance(effect, CallHttp)] == ([asked_for] if asked_for else [])
    assert ("The URL's host is" in shown) is (asked_for is None)


@pytest.mark.parametrize(
    ("parameters", "answer", "shown"),
    [
        ({"responseType": "json", "dataField": "rows", "fieldsToInclude": "selected", "fields": "a"}, {"rows": [{"a": 1, "b": 2}]}, '[{"a":1}]'),
        ({"responseType": "json", "fieldsToInclude": "except", "fields": "a"}, {"a": 1, "b": 2}, '{"b":2}'),
        ({"responseType": "html", "cssSelector": "p", "onlyContent": True}, "<p>one<script>x</script></p><i>no</i><p>two</p>", "one\ntwo"),
        ({"responseType": "text", "truncateResponse": True, "maxLength": 3}, "abcdef", "abc"),
        ({"responseType": "json"}, "<html>", "The tool failed: The service did not answer with JSON"),
    ],
)  # fmt: skip
def test_an_answer_is_shortened(driver: Driver, parameters: Any, answer: Any, shown: str) -> None:
    assert used(driver, http_tool(url=URL, optimizeResponse=True, **parameters), "", answer)[2] == shown


def test_its_credential_goes_by_reference(driver: Driver) -> None:
    helper, links = http_tool(url=URL, authentication="genericCredentialType", genericAuthType="httpHeaderAuth")
    named = {**helper, "credentials": {"httpHeaderAuth": {"id": "1", "name": "mine"}}}
    (asked,), _, _ = used(driver, (named, links), "", {})
    assert isinstance(asked, CallHttp)
    assert asked.credentials == {"httpHeaderAuth": {"id": "1", "name": "mine"}}
    assert used(driver, (helper, links), "", {})[2].startswith("The tool failed: Node does not have any credentials")


def _node_tool(kind: str, parameters: Any, version: float, **more: Any) -> Any:
    link = ("ask", {"ai_tool": [[{"node": "Node", "type": "ai_tool", "index": 0}]]})
    return node("ask", kind, parameters, version=version, **more), link


def test_nodes_are_tools_too(driver: Driver) -> None:
    parameters = {"url": "={{ 'https://api.example/' + $fromAI('city', 'a town') }}", "toolDescription": "asks"}
    (asked,), told, shown = used(driver, _node_tool("httpRequestTool", parameters, 4.2), {"city": "Bonn"}, {"a": 1})
    assert isinstance(asked, CallHttp)
    assert asked.url == f"{URL}/Bonn"
    assert '- ask: asks Its input is an object with "city" (a town).' in told
    assert json.loads(shown) == {"a": 1}


def test_a_database_is_a_tool(driver: Driver) -> None:
    parameters = {"operation": "executeQuery", "query": "SELECT $1", "options": {"queryReplacement": "={{ [$fromAI(`q`)] }}"}}
    tool = _node_tool("postgresTool", parameters, 2.5, credentials={"postgres": {"id": "1", "name": "mine"}})
    (asked,), told, shown = used(driver, tool, {"q": "it's"}, [{"a": 1}, {"a": 2}])
    assert isinstance(asked, RunSql)
    assert asked.queries == ["SELECT 'it''s'"]
    assert '"q"' in told
    assert json.loads(shown) == [{"a": 1}, {"a": 2}]
