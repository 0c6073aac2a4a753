"""The Form node: what a page waits for, what it takes from the trigger, and what the page that ends a form is shown as."""

from typing import Any

import pytest

from bus.messages.workflows import WebhookReply
from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.effects import Effect, ShowForm, effect_from_json
from workflow.core.execution import Execution, Mode, Reply
from workflow.core.graph import plan
from workflow.doors.form_ending import end_page

FIRST = {"formTitle": "Order", "formDescription": "All of it", "options": {"buttonLabel": "On"}}


def document(*nodes: Any, links: list[str]) -> Any:
    return workflow(node("First", "formTrigger", FIRST, version=2.2), *nodes, links=links)


def filled(driver: Driver, found: Any, asked: list[ShowForm]) -> Execution:
    def carry_out(effect: Effect) -> Reply:
        stored = effect_from_json(effect.to_json())
        assert isinstance(stored, ShowForm)
        asked.append(stored)
        return Reply(value={"json": {"Size": 7, "submittedAt": "x", "formMode": "production"}})

    driver.carry_out = carry_out
    return driver.run(found, mode=Mode.WEBHOOK, items=({"json": {"Name": "Ann"}},))


def ending(**parameters: Any) -> Any:
    return node("End", "form", {"operation": "completion", **parameters}, version=1)


def shown(driver: Driver, found: Any) -> WebhookReply:
    graph = plan(found)
    return end_page(graph, filled(driver, found, []), graph.workflow.by_name["First"])


def test_a_page_waits_with_its_texts_evaluated_and_gives_what_was_filled_in(driver: Driver) -> None:
    fields = {"values": [{"fieldLabel": "={{ 'Size for ' + $json.Name }}", "fieldName": "Size", "fieldType": "number"}]}
    page = node("Page", "form", {"formFields": fields, "options": {"formTitle": "=Hello {{ $json.Name }}"}}, version=1)
    asked: list[ShowForm] = []
    execution = filled(driver, document(page, links=["First → Page"]), asked)
    assert [item["json"]["Size"] for item in execution.last_items()] == [7]
    (effect,) = asked
    assert (effect.page["formTitle"], effect.page["formDescription"]) == ("Hello Ann", "All of it")
    assert effect.page["options"] == {"buttonLabel": "On"}
    assert "Size for Ann" in str(effect.page["formFields"])
    assert effect.method not in ("GET", "POST"), "nobody goes past the page by the resume URL"


def test_what_a_page_takes_of_the_trigger_is_evaluated_as_on_the_trigger_s_page(driver: Driver) -> None:
    """Without items: what was filled in is the page's, and not the trigger's."""
    first = {"formTitle": "=Of {{ $workflow.name }}{{ $json.Name }}", "options": {"buttonLabel": "={{ 'On' + 1 }}"}}
    page = node("Page", "form", {"formFields": {"values": [{"fieldLabel": "Size"}]}, "options": {}}, version=1)
    asked: list[ShowForm] = []
    filled(driver, workflow(node("First", "formTrigger", first, version=2.2), page, links=["First → Page"]), asked)
    (effect,) = asked
    assert (effect.page["formTitle"], effect.page["options"]) == ("Of w", {"buttonLabel": "On1"})


def test_a_page_whose_expression_fails_says_so(driver: Driver) -> None:
    reply = shown(driver, document(ending(completionTitle="={{ $('Nowhere').first().json.x }}"), links=["First → End"]))
    assert (reply.status, reply.page) == (422, True)
    assert "This page cannot be shown" in reply.body
    assert "Nowhere" not in reply.body


def test_a_page_that_is_none_fails_before_its_person(driver: Driver) -> None:
    page = node("Page", "form", {"formFields": {"values": [{"fieldLabel": "x", "fieldType": "slider"}]}}, version=1)
    asked: list[ShowForm] = []
    execution = filled(driver, document(page, links=["First → Page"]), asked)
    assert execution.last_failure is not None
    assert "slider" in execution.last_failure.message
    assert not asked


def test_the_last_of_several_endings_is_shown(driver: Driver) -> None:
    other = node("Other", "form", {"operation": "completion", "completionTitle": "Second"}, version=1)
    reply = shown(driver, document(ending(completionTitle="First"), other, links=["First → End", "End → Other"]))
    assert "<h1>Second</h1>" in reply.body
    assert "<h1>First</h1>" not in reply.body


@pytest.mark.parametrize(
    ("parameters", "has", "own"),
    [
        (
            {"completionTitle": "=Bye {{ $json.Name }}", "completionMessage": "<b>x</b><script>y</script>"},
            "<h1>Bye Ann</h1>",
            True,
        ),
        ({"respondWith": "showText", "responseText": "=<p>{{ $json.Name }}</p>"}, "<p>Ann</p>", False),
        ({"respondWith": "redirect", "redirectUrl": "javascript:alert(1)"}, "This form is over", True),
    ],
)
def test_a_form_ends_as_its_node_says(driver: Driver, parameters: dict[str, Any], has: str, own: bool) -> None:
    reply = shown(driver, document(ending(**parameters), links=["First → End"]))
    assert has in reply.body
    assert reply.page is own
    assert "<script" not in reply.body
    assert "refresh" not in reply.headers


def test_it_leads_on_to_the_web(driver: Driver) -> None:
    found = ending(respondWith="redirect", redirectUrl="=https://x.example/{{ $json.Name }}")
    assert shown(driver, document(found, links=["First → End"])).headers["refresh"] == "0; url=https://x.example/Ann"


def test_one_that_failed_says_so_and_no_more(driver: Driver) -> None:
    stop = node("Stop", "stopAndError", {"errorMessage": "secret reason"})
    reply = shown(driver, document(stop, ending(), links=["First → Stop", "Stop → End"]))
    assert reply.status == 500
    assert "secret" not in reply.body
