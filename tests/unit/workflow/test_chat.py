"""Chats: what comes in at one, what is refused, and what its page lets in."""

import json
from typing import Any
from uuid import UUID

import pytest

from bus.errors import InvalidRequest, InvalidWorkflow, WebhookNotFound
from bus.messages.workflows import UploadedFile, WebhookCall, WebhookReply
from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.effects import Respond
from workflow.core.execution import Mode
from workflow.doors.chat import CHAT, spoken
from workflow.doors.entering import answer, entered
from workflow.doors.pages import STYLE, page, simple_html
from workflow.doors.webhooks import Table, require_checkable, routes_of
from workflow.n8n.check import check
from workflow.n8n.document import Node
from workflow.nodes.catalogue import registry

IT = UUID(int=1)


def chat(options: dict[str, Any] | None = None, **parameters: Any) -> Node:
    given = {"public": True, "options": options or {}, **parameters}
    return workflow(node("Chat", CHAT, given, version=1.1, webhookId="hook"), links=[]).nodes[0]


def call(body: Any = None, method: str = "POST", **more: Any) -> WebhookCall:
    return WebhookCall(path="hook/chat", method=method, body=body, **more)


def enter(found: Node, given: WebhookCall) -> Any:
    return entered(found, given, {}, "http://hive", "UTC")


def test_a_public_chat_listens_and_another_only_for_tests() -> None:
    for public, test, heard in ((True, False, True), (False, False, False), (False, True, True)):
        document = workflow(node("Chat", CHAT, {"public": public}, version=1.1, webhookId="hook"), links=[])
        table = Table(routes_of(IT, document, test=test))
        assert (table.find("POST", "hook/chat") is not None) is heard
        assert (table.find("GET", "hook/chat") is not None) is heard


def test_a_message_becomes_an_item_with_what_was_sent_beside_it() -> None:
    sent = {"action": "sendMessage", "sessionId": "s1", "chatInput": "hello", "metadata": {"user": 7}}
    assert enter(chat(), call(sent)) == {"json": sent}
    short = enter(chat(), call({"chatInput": "hello"}, query={"sessionId": "of the address"}))
    assert short == {"json": {"sessionId": "of the address", "action": "sendMessage", "chatInput": "hello"}}
    asked = enter(chat(mode="webhook"), call(method="GET", query={"action": "sendMessage", "chatInput": "by GET"}))
    assert asked["json"]["chatInput"] == "by GET"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (["a"], "JSON object"),
        ("text", "JSON object"),
        ({"action": "drop", "chatInput": "x"}, "actions"),
        ({"action": {"a": 1}}, "actions"),
        ({"sessionId": {"a": 1}}, "sessionId"),
        ({"sessionId": True}, "sessionId"),
        ({"sessionId": "x" * 256}, "sessionId"),
    ],
)
def test_what_is_no_message_is_refused_before_anything_starts(body: Any, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        enter(chat(), call(body))


def test_files_come_where_the_node_lets_them() -> None:
    file = UploadedFile(field="files", name="a.png", mime_type="image/png", size=3, data="YWJj")
    with pytest.raises(InvalidRequest, match="takes no files"):
        enter(chat(), call({"chatInput": "see"}, files=(file,)))
    images = chat({"allowFileUploads": True, "allowedFilesMimeTypes": "image/*, application/pdf"})
    item = enter(images, call({"chatInput": "see", "sessionId": "s"}, files=(file,)))
    assert item["binary"]["data0"]["data"] == "YWJj"
    assert item["json"]["files"] == [
        {
            "mimeType": "image/png",
            "fileType": "image",
            "fileName": "a.png",
            "bytes": 3,
            "fileSize": "3 B",
            "fileExtension": "png",
            "binaryKey": "data0",
        }
    ]
    text = file.model_copy(update={"mime_type": "text/plain"})
    with pytest.raises(InvalidRequest, match="image"):
        enter(images, call({"chatInput": "see"}, files=(text,)))


@pytest.mark.parametrize(
    ("options", "end", "status", "body"),
    [
        ({}, '{"output": "four"}', 200, {"output": "four"}),
        ({}, '{"text": "four"}', 200, {"text": "four"}),
        ({}, '{"other": 4}', 200, {"other": 4}),
        ({"responseMode": "lastNode"}, None, 500, {"message": "Error in workflow"}),
    ],
)
def test_the_last_node_answers(driver: Driver, options: Any, end: str | None, status: int, body: Any) -> None:
    last = node("End", "set", {"mode": "raw", "jsonOutput": end}, version=3.4) if end else node("End", "stopAndError")
    given = node("Chat", CHAT, {"public": True, "options": options}, version=1.1)
    document = workflow(given, last, links=["Chat → End"])
    execution = driver.run(document, mode=Mode.WEBHOOK, items=({"json": {"chatInput": "2 + 2"}},))
    found = answer(document.nodes[0], execution, ())
    assert (found.status, found.body) == (status, body)


def test_a_respond_node_answers_where_the_node_says_so(driver: Driver) -> None:
    for mode in ("responseNode", "responseNodes"):
        document = workflow(node("Chat", CHAT, {"options": {"responseMode": mode}}, version=1.3), links=[])
        execution = driver.run(document, mode=Mode.WEBHOOK)
        assert answer(document.nodes[0], execution, [Respond(body={"output": "by hand"})]).body == {"output": "by hand"}
        assert "not reached" in answer(document.nodes[0], execution, ()).body["message"]


def test_a_streaming_chat_answers_in_n8n_s_lines(driver: Driver) -> None:
    end = node("End", "set", {"mode": "raw", "jsonOutput": '{"output": "fünf"}'}, version=3.4)
    chat_node = node("Chat", CHAT, {"options": {"responseMode": "streaming"}}, version=1.3)
    document = workflow(chat_node, end, links=["Chat → End"])
    found = answer(document.nodes[0], driver.run(document, mode=Mode.WEBHOOK), ())
    lines = [json.loads(line) for line in found.body.splitlines()]
    assert [(line["type"], line.get("content")) for line in lines] == [("begin", None), ("item", "fünf"), ("end", None)]
    assert {line["metadata"]["nodeName"] for line in lines} == {"End"}
    broken = workflow(chat_node, node("End", "stopAndError"), links=["Chat → End"])
    found = answer(broken.nodes[0], driver.run(broken, mode=Mode.WEBHOOK), ())
    assert [json.loads(line)["type"] for line in found.body.splitlines()] == ["begin", "error", "end"]


def test_what_is_said_to_a_person_is_output_or_text_or_all() -> None:
    assert [spoken(each) for each in ({"output": 1, "text": 2}, {"text": 2}, {"a": 3}, "x")] == [1, 2, {"a": 3}, "x"]


def test_a_page_is_for_hosted_chats_and_says_what_the_node_says_as_text() -> None:
    bad = '"><script>alert(1)</script>'
    options = {"title": bad, "subtitle": bad, "inputPlaceholder": bad, "allowFileUploads": True, "allowedFilesMimeTypes": bad}
    shown = enter(chat(options, initialMessages=f"Hello\n{bad}"), call(method="GET"))
    assert isinstance(shown, WebhookReply)
    assert shown.page
    assert "<script>alert" not in shown.body
    assert shown.body.count("<script>") == 1
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    with pytest.raises(WebhookNotFound):
        enter(chat(mode="webhook"), call(method="GET"))


def test_a_chat_for_users_of_an_n8n_is_refused_when_it_is_activated() -> None:
    with pytest.raises(InvalidWorkflow, match="n8nUserAuth"):
        require_checkable(chat(authentication="n8nUserAuth"))
    require_checkable(chat())


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain & <b>bold</b>", "plain &amp; <b>bold</b>"),
        ("one\ntwo\\nthree<br>four", "one<br>two<br>three<br>four"),
        ("<script>x</script>y", "y"),
        ("<script>x", ""),
        ("<style>a{}</style><iframe src=//x>y</iframe>z", "z"),
        ('<img src="https://x/y.png">after', "after"),
        ('<a href="javascript:x()">l</a>', "<a>l</a>"),
        (
            '<a href="https://x.example/?a=1&b=2" onclick="x()">l</a>',
            '<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">l</a>',
        ),
        ('<div onmouseover="x()" style="y">l', "<div>l</div>"),
        ("</div></main>text", "text"),
        ("<b><i>x</b>", "<b><i>x</i></b>"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<!-- x -->y<![CDATA[z]]>", "y"),
    ],
)
def test_of_html_only_simple_marks_are_kept(given: str, shown: str) -> None:
    assert simple_html(given) == shown


def test_a_page_loads_nothing_from_elsewhere() -> None:
    found = page("t", "<p>b</p>", script="1")
    assert "url(" not in STYLE
    assert "src=" not in found.body
    assert "href=" not in found.body


def test_the_report_says_what_of_a_chat_is_not_as_in_n8n() -> None:
    def messages(**parameters: Any) -> list[str]:
        document = workflow(node("Chat", CHAT, parameters, version=1.3, webhookId="hook"), links=[])
        return [problem.message for problem in check(document, registry()).problems]

    assert messages(public=True) == []
    assert messages(public=False, authentication="n8nUserAuth") == []
    (told,) = messages(public=True, options={"responseMode": "streaming"})
    assert "at the end" in told
    (told,) = messages(public=True, authentication="n8nUserAuth")
    assert "cannot check" in told
