"""Which pages of other sites may call a workflow and read its answer."""

from typing import Any

import pytest

from bus.messages.workflows import WebhookCall, WebhookReply
from tests.unit.workflow.build import node, workflow
from workflow.doors.chat import CHAT
from workflow.doors.entering import with_origin
from workflow.doors.origins import origin_headers, preflight
from workflow.doors.webhooks import WEBHOOK
from workflow.n8n.document import Node

SOME = {"allowedOrigins": "https://a.example, https://b.example/"}


def listens(kind: str, options: dict[str, Any], **parameters: Any) -> Node:
    return workflow(node("Hook", kind, {"options": options, **parameters}), links=[]).by_name["Hook"]


def called(origin: str, **headers: str) -> WebhookCall:
    return WebhookCall(path="hook", method="POST", headers={"origin": origin, **headers})


@pytest.mark.parametrize("kind", [CHAT, WEBHOOK])
@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://b.example", "https://b.example"), ("https://evil.example", None), ("", None)]
)
def test_those_that_the_node_names_read_its_answers(kind: str, origin: str, allowed: str | None) -> None:
    headers = origin_headers(listens(kind, SOME), called(origin))
    assert headers.get("access-control-allow-origin") == allowed
    assert headers["vary"] == "Origin"


def test_a_chat_that_says_nothing_is_open_and_a_webhook_is_not() -> None:
    asks = called("https://a.example")
    assert origin_headers(listens(CHAT, {}), asks) == {"access-control-allow-origin": "*"}
    assert origin_headers(listens(WEBHOOK, {"allowedOrigins": "*"}), asks) == {"access-control-allow-origin": "*"}
    assert origin_headers(listens(WEBHOOK, {}), asks) == {}
    assert preflight(listens(WEBHOOK, {}), asks) is None
    assert preflight(listens("n8n-nodes-base.formTrigger", SOME), asks) is None


def test_a_browser_that_asks_first_is_told_methods_and_headers() -> None:
    hook = listens(WEBHOOK, SOME, httpMethod=["POST", "PUT"])
    told = preflight(hook, called("https://a.example", **{"access-control-request-headers": "content-type, x-own"}))
    assert told is not None
    assert told["access-control-allow-origin"] == "https://a.example"
    assert told["access-control-allow-methods"] == "POST, PUT"
    assert told["access-control-allow-headers"] == "content-type, x-own"


def test_what_the_workflow_says_itself_stands() -> None:
    given = WebhookReply(headers={"Access-Control-Allow-Origin": "https://own.example"})
    answer = with_origin(listens(WEBHOOK, {"allowedOrigins": "*"}), called("https://a.example"), given)
    assert answer.headers == {"Access-Control-Allow-Origin": "https://own.example"}
