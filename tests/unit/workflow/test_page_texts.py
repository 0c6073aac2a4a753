"""Expressions in what forms and chats say: evaluated before there are items, and text on the page all the same."""

from typing import Any

import pytest

from bus.messages.workflows import WebhookCall, WebhookReply
from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver, new_execution
from workflow.core.execution import Mode
from workflow.core.failure import NodeError
from workflow.core.graph import plan
from workflow.doors.chat import CHAT
from workflow.doors.entering import entered, shows_texts
from workflow.doors.form_nodes import with_parameters
from workflow.doors.forms import FORM
from workflow.doors.page_texts import evaluated
from workflow.n8n.document import Node

BOLD = "={{ '<b>' + (1 + 1) + '</b>' }}"


def spoken(driver: Driver, kind: str, **parameters: Any) -> Node:
    """The trigger, as its page is made of it."""
    graph = plan(workflow(node("First", kind, parameters, version=2.2 if kind == FORM else 1.1, webhookId="hook"), links=[]))
    execution = new_execution(graph, driver.interpreter, "", mode=Mode.WEBHOOK, start="First")
    found = graph.workflow.by_name["First"]
    call = driver.interpreter.seen_from(graph, execution, found, ({"json": {}},), driver.clock_ms)
    return with_parameters(found, evaluated(call))


def page_of(found: Node, query: dict[str, str] | None = None, body: Any = None) -> WebhookReply:
    method = "GET" if body is None else "POST"
    given = WebhookCall(path="hook", method=method, query=query or {}, body=body, headers={"accept": "text/html"})
    reply = entered(found, given, {}, "http://hive", "UTC")
    assert isinstance(reply, WebhookReply)
    return reply


def test_a_form_says_what_its_expressions_make(driver: Driver) -> None:
    field = {
        "fieldLabel": "=Size in {{ $now.year }}",
        "fieldName": "size",
        "fieldType": "={{ 'dropdown' }}",
        "requiredField": "={{ true }}",
        "fieldOptions": {"values": [{"option": "={{ 40 + 2 }}"}, {"option": "={{ true }}"}]},
    }
    found = spoken(
        driver,
        FORM,
        formTitle="={{ $workflow.name }} <b>",
        formDescription=BOLD,
        formFields={"values": [field, {"fieldLabel": "y", "placeholder": "={{ '\"><script>' }}"}]},
        options={"buttonLabel": "={{ 'Go & see' }}"},
    )
    body = page_of(found).body
    assert "<h1>w &lt;b&gt;</h1>" in body
    assert "<b>2</b>" in body
    assert "Size in 20" in body
    assert '<option value="42">42</option><option value="true">true</option>' in body
    assert "Go &amp; see" in body
    assert "<script" not in body
    wrong = page_of(found, body={"size": "43", "y": ""})
    assert (wrong.status, "This is none of the choices." in wrong.body) == (400, True)
    assert isinstance(
        entered(found, WebhookCall(path="hook", method="POST", body={"size": "42"}), {}, "http://hive", "UTC"), dict
    )


def test_fields_may_be_made_by_an_expression_altogether(driver: Driver) -> None:
    fields = "={{ ['a', 'b'].map(name => ({fieldLabel: name})) }}"
    found = spoken(driver, FORM, formTitle="x", defineForm="json", jsonOutput=fields)
    assert 'for="field-1">b</label>' in page_of(found).body


def test_what_javascript_finds_nothing_for_is_nothing_on_the_page(driver: Driver) -> None:
    body = page_of(spoken(driver, FORM, formTitle="={{ $json.no }}", formDescription="=a{{ $vars.no }}b")).body
    assert "<h1>First</h1>" in body, "a form without a title has its node's name"
    assert "ab" in body
    assert "undefined" not in body
    assert "None" not in body


def test_a_chat_says_what_its_expressions_make(driver: Driver) -> None:
    options = {"title": "={{ $workflow.name + '!' }}", "subtitle": BOLD, "inputPlaceholder": "={{ '\"x' }}"}
    body = page_of(spoken(driver, CHAT, public=True, initialMessages="=Hi {{ 1 + 1 }}\nthere", options=options)).body
    assert "<h1>w!</h1>" in body
    assert "&lt;b&gt;2&lt;/b&gt;" in body
    assert "<li>Hi 2</li><li>there</li>" in body
    assert 'placeholder="&quot;x"' in body


def test_an_expression_that_fails_is_told_to_whoever_makes_the_page(driver: Driver) -> None:
    with pytest.raises(NodeError, match="Referenced node doesn't exist"):
        spoken(driver, FORM, formTitle="={{ $('Nowhere').first().json.x }}")


def test_a_message_of_a_chat_asks_for_no_texts() -> None:
    chat, form = (workflow(node("First", kind, {"public": True}, version=1.1), links=[]).nodes[0] for kind in (CHAT, FORM))
    message, look = (WebhookCall(path="hook", method=method, query={}) for method in ("POST", "GET"))
    assert [shows_texts(chat, each) for each in (message, look)] == [False, True]
    assert [shows_texts(form, each) for each in (message, look)] == [True, True]
