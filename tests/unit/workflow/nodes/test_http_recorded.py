"""HTTP Request against what was recorded from n8n 2.41.1: what it sends of its parameters, and what items it makes of an answer."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.unit.workflow.nodes.case import Case, run
from workflow.core.driver import Driver
from workflow.core.effects import CallHttp, Effect
from workflow.core.execution import Execution, Reply, Status
from workflow.nodes.http_building import USER_AGENT

RECORDED = json.loads((Path(__file__).parents[3] / "data" / "n8n" / "http.json").read_text())
BOUNDARY = re.compile(r"boundary=(\S+)")


def cases(kind: str) -> list[Any]:
    return [pytest.param(each, id=f"{each['name']} v{each['version']}") for each in RECORDED[kind]]


def ran(driver: Driver, case: dict[str, Any], item: dict[str, Any], reply: Any, *, goes_on: bool = True) -> Execution:
    settings = {"onError": "continueRegularOutput"} if goes_on else {}
    parameters = {"url": "http://service.example/give", **case["parameters"]}
    node = Case(
        name="", kind="httpRequest", version=case["version"], parameters=parameters, items=[item], gives=[], settings=settings
    )
    return run(driver, node, reply)


def first(execution: Execution) -> list[dict[str, Any]]:
    outputs = execution.runs["Node"][0].outputs
    assert outputs is not None
    return list(outputs[0] or ())


def sent(effect: CallHttp) -> dict[str, Any]:
    """As an echo of n8n's request shows it; the separator of parts is anybody's own."""
    parts = urlsplit(effect.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers, body = dict(effect.headers), base64.b64decode(effect.body_base64 or "")
    if found := BOUNDARY.search(headers.get("content-type", "")):
        headers["content-type"] = headers["content-type"].replace(found[1], "B")
        body = body.replace(found[1].encode(), b"B")
    return {"method": effect.method, "target": target, "headers": headers, "body": body}


@pytest.mark.parametrize("case", cases("requests"))
def test_a_request_is_n8ns(driver: Driver, case: dict[str, Any]) -> None:
    asked: list[CallHttp] = []

    def answer(effect: Effect) -> Reply:
        assert isinstance(effect, CallHttp)
        asked.append(effect)
        return Reply(value={"status": 200, "headers": {}, "body": "{}", "url": effect.url})

    execution = ran(driver, case, case.get("item", RECORDED["request_item"]), answer)
    if "error" in case:
        assert [item["json"] for item in first(execution)] == [{"error": case["error"]}]
        assert asked == []
        return
    body = base64.b64decode(case["b64"]) if "b64" in case else case["body"].encode()
    headers = {**case["headers"], **({"user-agent": USER_AGENT} if case["headers"].get("user-agent") == "n8n" else {})}
    wanted = {"method": case["method"], "target": case["target"], "headers": headers, "body": body}
    found = sent(asked[0])
    found["target"] = as_on_the_wire(found["target"])
    assert found == wanted


def as_on_the_wire(target: str) -> str:
    """What the client escapes of an address that a person wrote."""
    return target.replace("ä", "%C3%A4").replace(" ", "%20").replace('"', "%22")


@pytest.mark.parametrize("case", cases("answers"))
def test_an_answer_becomes_n8ns_items(driver: Driver, case: dict[str, Any]) -> None:
    item = case.get("item", RECORDED["answer_item"])
    execution = ran(driver, case, item, lambda _: Reply(value=case["answer"]))
    if "fails" in case:
        failed = execution.runs["Node"][0].failure
        assert failed is not None
        assert failed.message == case["fails"]
        return
    assert execution.status is Status.SUCCESS, execution.failure
    assert [shown(each, item) for each in first(execution)] == case["gives"]


def shown(item: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Without the stack of an error, the bytes of a file, and the files that were there before."""
    value = item["json"]
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        value = {**value, "error": {key: each for key, each in value["error"].items() if key != "stack"}}
    before = given.get("binary", {})
    files = {name: facts for name, facts in item.get("binary", {}).items() if name not in before}
    if not files:
        return {"json": value}
    return {"json": value, "binary": {name: {k: v for k, v in each.items() if k != "data"} for name, each in files.items()}}


@pytest.mark.parametrize("case", cases("stops"))
def test_a_refusal_stops_with_n8ns_words(driver: Driver, case: dict[str, Any]) -> None:
    execution = ran(driver, case, {"json": {}}, lambda _: Reply(value=case["answer"]), goes_on=False)
    assert execution.failure is not None
    assert execution.failure.message == case["message"]
    if "http_code" in case:
        assert execution.failure.description == case["description"]
        assert execution.failure.to_json()["httpCode"] == case["http_code"]
