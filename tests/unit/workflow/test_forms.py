"""Forms: every kind of field, what is refused, and that nothing of a document is more than text on the page."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from bus.errors import InvalidRequest, InvalidWorkflow, WebhookNotFound
from bus.messages.workflows import UploadedFile, WebhookCall, WebhookReply
from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.effects import Respond
from workflow.core.execution import Mode
from workflow.doors.entering import answer, at_once, entered
from workflow.doors.forms import FORM, Kind, fields_of, filled, item_of
from workflow.doors.webhooks import require_checkable, routes_of
from workflow.n8n.check import check
from workflow.n8n.document import Node
from workflow.nodes.catalogue import registry

OPTIONS = {"values": [{"option": "red"}, {"option": "green"}, {"option": "blue"}]}
HTML = {"accept": "text/html,application/xhtml+xml"}


def form(*fields: dict[str, Any], version: float = 2.2, **parameters: Any) -> Node:
    given = {"formTitle": "Tell us", "formFields": {"values": list(fields)}, **parameters}
    return workflow(node("Form", "formTrigger", given, version=version, webhookId="hook"), links=[]).nodes[0]


def call(body: Any = None, method: str = "POST", **more: Any) -> WebhookCall:
    return WebhookCall(path="hook", method=method, body=body, **more)


def enter(found: Node, given: WebhookCall) -> Any:
    return entered(found, given, {}, "http://hive", "UTC")


def value(field: dict[str, Any], body: Any, *files: UploadedFile) -> Any:
    """Of the one field; what is wrong with it, as an exception."""
    found = filled(fields_of(form(field)), call(body, files=files))
    if found.problems:
        raise ValueError(found.problems["field-0"])
    (only,) = found.json.values()
    return only


def file(name: str = "a.png", kind: str = "image/png", field: str = "field-0") -> UploadedFile:
    return UploadedFile(field=field, name=name, mime_type=kind, size=3, data="YWJj")


@pytest.mark.parametrize(
    ("field", "sent", "becomes"),
    [
        ({"fieldLabel": "x"}, "Ann", "Ann"),
        ({"fieldLabel": "x"}, "", ""),
        ({"fieldLabel": "x"}, None, ""),
        ({"fieldLabel": "x", "fieldType": "textarea"}, "a\r\nb", "a\r\nb"),
        ({"fieldLabel": "x", "fieldType": "number"}, "7", 7),
        ({"fieldLabel": "x", "fieldType": "number"}, "7.5", 7.5),
        ({"fieldLabel": "x", "fieldType": "number"}, 7, 7),
        ({"fieldLabel": "x", "fieldType": "number"}, "", None),
        ({"fieldLabel": "x", "fieldType": "email"}, "a@b.example", "a@b.example"),
        ({"fieldLabel": "x", "fieldType": "password"}, " s ", " s "),
        ({"fieldLabel": "x", "fieldType": "date"}, "2026-12-31", "2026-12-31"),
        ({"fieldLabel": "x", "fieldType": "date", "formatDate": "mm/dd/yyyy"}, "2026-12-31", "12/31/2026"),
        ({"fieldLabel": "x", "fieldType": "dropdown", "fieldOptions": OPTIONS}, "red", "red"),
        ({"fieldLabel": "x", "fieldType": "dropdown", "fieldOptions": OPTIONS, "multiselect": True}, "red", ["red"]),
        (
            {"fieldLabel": "x", "fieldType": "dropdown", "fieldOptions": OPTIONS, "multiselect": True},
            ["red", "blue"],
            ["red", "blue"],
        ),
        ({"fieldLabel": "x", "fieldType": "checkbox", "fieldOptions": OPTIONS}, None, []),
        ({"fieldLabel": "x", "fieldType": "checkbox", "fieldOptions": OPTIONS}, ["green", "red"], ["green", "red"]),
        ({"fieldLabel": "x", "fieldType": "radio", "fieldOptions": OPTIONS}, "green", "green"),
        ({"fieldName": "x", "fieldType": "hiddenField", "fieldValue": "v"}, "w", "w"),
    ],
)
def test_what_is_filled_in_becomes_a_value(field: dict[str, Any], sent: Any, becomes: Any) -> None:
    assert value(field, {} if sent is None else {"field-0": sent}) == becomes
    assert value(field, {} if sent is None else {"x": sent}) == becomes


@pytest.mark.parametrize(
    ("field", "sent", "says"),
    [
        ({"requiredField": True}, "", "required"),
        ({"requiredField": True}, "   ", "required"),
        ({"requiredField": True}, None, "required"),
        ({}, {"a": 1}, "no text"),
        ({}, [{"a": 1}], "no text"),
        ({}, ["a", "b"], "one value"),
        ({"fieldType": "number"}, "seven", "no number"),
        ({"fieldType": "number"}, "nan", "no number"),
        ({"fieldType": "number"}, "1e999", "no number"),
        ({"fieldType": "email"}, "ann", "e-mail"),
        ({"fieldType": "email"}, "a@b@c.example", "e-mail"),
        ({"fieldType": "date"}, "31.12.2026", "no date"),
        ({"fieldType": "date"}, "2026-02-30", "no date"),
        ({"fieldType": "dropdown", "fieldOptions": OPTIONS}, "black", "choices"),
        ({"fieldType": "dropdown", "fieldOptions": OPTIONS}, ["red", "blue"], "one value"),
        ({"fieldType": "radio", "fieldOptions": OPTIONS}, "black", "choices"),
        ({"fieldType": "checkbox", "fieldOptions": OPTIONS}, ["red", "black"], "choices"),
        ({"fieldType": "checkbox", "fieldOptions": OPTIONS, "requiredField": True}, None, "required"),
        (
            {"fieldType": "checkbox", "fieldOptions": OPTIONS, "limitSelection": "exact", "numberOfSelections": 2},
            "red",
            "at least 2",
        ),
        (
            {
                "fieldType": "checkbox",
                "fieldOptions": OPTIONS,
                "limitSelection": "range",
                "minSelections": 1,
                "maxSelections": 2,
            },
            ["red", "green", "blue"],
            "at most 2",
        ),
        ({"fieldType": "file", "requiredField": True}, None, "required"),
    ],
)
def test_what_a_browser_would_refuse_is_refused(field: dict[str, Any], sent: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        value({"fieldLabel": "x", **field}, {} if sent is None else {"field-0": sent})


def test_files_are_told_of_and_come_as_binary_data() -> None:
    field = {"fieldLabel": "Your CV (PDF)", "fieldType": "file", "acceptFileTypes": ".pdf, image/*"}
    item = enter(form(field), call({}, files=(file(), file("b.pdf", "application/pdf"))))
    assert item["json"]["Your CV (PDF)"] == [
        {"filename": "a.png", "mimetype": "image/png", "size": 3},
        {"filename": "b.pdf", "mimetype": "application/pdf", "size": 3},
    ]
    assert set(item["binary"]) == {"Your_CV__PDF__0", "Your_CV__PDF__1"}
    assert item["binary"]["Your_CV__PDF__1"]["fileName"] == "b.pdf"
    one = {**field, "multipleFiles": False}
    assert value(one, {}, file()) == {"filename": "a.png", "mimetype": "image/png", "size": 3}
    assert set(enter(form(one), call({}, files=(file(),)))["binary"]) == {"Your_CV__PDF_"}
    with pytest.raises(ValueError, match="one file"):
        value(one, {}, file(), file())
    with pytest.raises(ValueError, match=r"none of \.pdf"):
        value(field, {}, file("a.exe", "application/x-msdownload"))


def test_the_item_has_the_values_when_it_was_sent_and_where() -> None:
    item = enter(
        form({"fieldLabel": "Name"}, {"fieldLabel": "Age", "fieldName": "age", "fieldType": "number"}), call({"field-0": "A"})
    )
    sent = item["json"].pop("submittedAt")
    assert item == {"json": {"Name": "A", "age": None, "formMode": "production"}}
    assert datetime.fromisoformat(sent).tzinfo is not None
    found = filled([], call({}))
    now = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)
    assert item_of(found, {}, now, "UTC", test=True)["json"] == {"submittedAt": "2026-01-02T03:04:05.006Z", "formMode": "test"}
    assert item_of(found, {}, now, "Asia/Kolkata", test=False)["json"]["submittedAt"] == "2026-01-02T08:34:05.006+05:30"


def test_a_form_of_json_is_the_same_form() -> None:
    fields = [{"fieldLabel": "Name"}, {"fieldType": "html", "html": "<b>x</b>", "elementName": "note"}, {"fieldType": "html"}]
    found = form(defineForm="json", jsonOutput=json.dumps(fields))
    assert enter(found, call({"field-0": "A"}))["json"] | {"submittedAt": ""} == {
        "Name": "A",
        "note": "<b>x</b>",
        "submittedAt": "",
        "formMode": "production",
    }


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"formFields": {"values": [{"fieldLabel": "x", "fieldType": "slider"}]}}, "slider"),
        ({"formFields": {"values": [{}]}}, "no label"),
        ({"formFields": {"values": ["x"]}}, "no object"),
        ({"formFields": {"values": {"x": 1}}}, "no list"),
        ({"formFields": [1]}, "no list"),
        ({"formFields": {"values": [{"fieldLabel": "x"}] * 201}}, "201 fields"),
        ({"defineForm": "json", "jsonOutput": "[{"}, "cannot be read"),
    ],
)
def test_what_is_no_form_is_refused_when_it_is_activated(parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidWorkflow, match=says):
        require_checkable(form(**parameters))


def test_who_reads_pages_gets_the_form_again_and_a_program_a_problem() -> None:
    found = form({"fieldLabel": "Age", "fieldType": "number"}, {"fieldLabel": "Name"})
    again = enter(found, call({"field-0": "old", "field-1": "Ann <i>"}, headers=HTML))
    assert again.status == 400
    assert "This is no number." in again.body
    assert 'value="Ann &lt;i&gt;"' in again.body
    with pytest.raises(InvalidRequest, match="Age: This is no number"):
        enter(found, call({"field-0": "old"}, headers={"accept": "*/*"}))


def test_the_address_fills_in_the_form_but_for_passwords() -> None:
    fields = (
        {"fieldLabel": "Name", "defaultValue": "somebody"},
        {"fieldLabel": "Secret", "fieldType": "password"},
        {"fieldLabel": "Colour", "fieldType": "radio", "fieldOptions": OPTIONS},
        {"fieldName": "from", "fieldType": "hiddenField", "fieldValue": "page"},
    )
    query = {"Name": '"><script>', "Secret": "s3cret", "Colour": "green", "from": "mail"}
    shown = enter(form(*fields), call(method="GET", query=query)).body
    assert 'value="&quot;&gt;&lt;script&gt;"' in shown
    assert "s3cret" not in shown
    assert 'value="green" checked' in shown
    assert 'type="hidden" name="field-3" value="mail"' in shown
    assert 'value="somebody"' in enter(form(*fields), call(method="GET")).body


EVERY_KIND = tuple({"fieldType": kind.value, "fieldOptions": OPTIONS, "requiredField": True} for kind in Kind)


@drawn(text=st.text(min_size=1, max_size=30))
def test_nothing_of_a_document_leaves_its_place_on_the_page(text: str) -> None:
    hostile = f"\"'><script>x</script><img src=x onerror=y>{text}"
    fields = [
        {**each, "fieldLabel": hostile, "placeholder": hostile, "defaultValue": hostile, "html": hostile} for each in EVERY_KIND
    ]
    options = {"buttonLabel": hostile}
    found = form(*fields, formTitle=hostile, formDescription=hostile, options=options)
    shown = enter(found, call(method="GET", query={"field-0": hostile}))
    assert isinstance(shown, WebhookReply)
    assert "<script" not in shown.body
    assert "<img" not in shown.body
    assert "script-src" not in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("https://x.example/done?a=1", "https://x.example/done?a=1"),
        ("x.example/done", "https://x.example/done"),
        ("javascript:alert(1)", None),
        ("javascript://x.example/%0aalert(1)", None),
        ("https://x.example/\r\nset-cookie: a=b", None),
        ("", None),
    ],
)
def test_a_form_leads_on_to_the_web_and_nowhere_else(driver: Driver, address: str, location: str | None) -> None:
    options = {"respondWithOptions": {"values": {"respondWith": "redirect", "redirectUrl": address}}}
    found = form({"fieldLabel": "x"}, options=options)
    document = workflow(node("Form", "formTrigger", version=2.2), links=[])
    reply = answer(found, driver.run(document, mode=Mode.WEBHOOK), ())
    assert reply.headers.get("location") == location
    assert reply.status == (200 if location is None else 303)
    policy = enter(found, call(method="GET")).headers["content-security-policy"]
    assert ("https://x.example" in policy) is (location is not None)


def test_a_form_answers_at_once_or_in_the_end(driver: Driver) -> None:
    values = {"respondWith": "text", "formSubmittedText": "Thanks & <b>bye</b>"}
    at_first = form({"fieldLabel": "x"}, options={"respondWithOptions": {"values": values}})
    old = form({"fieldLabel": "x"}, version=1, options={"formSubmittedText": "Old thanks"})
    at_last = form({"fieldLabel": "x"}, responseMode="lastNode")
    by_node = form({"fieldLabel": "x"}, version=2, responseMode="responseNode")
    assert [at_once(each) for each in (at_first, old, at_last, by_node)] == [True, True, False, False]
    fine = workflow(node("Form", "formTrigger"), links=[])
    bad = workflow(node("Form", "formTrigger"), node("Break", "stopAndError"), links=["Form → Break"])
    success, failed = (driver.run(each, mode=Mode.WEBHOOK) for each in (fine, bad))
    assert "Thanks &amp; <b>bye</b>" in answer(at_first, success, ()).body
    assert "Old thanks" in answer(old, success, ()).body
    assert "Your response has been recorded" in answer(at_last, success, ()).body
    refused = answer(at_last, failed, ())
    assert (refused.status, "Problem submitting response" in refused.body) == (500, True)
    own = answer(by_node, success, [Respond(body="<h1>mine</h1>")])
    assert (own.body, own.page) == ("<h1>mine</h1>", False)


def test_bots_are_kept_out_where_the_node_says_so() -> None:
    shy = form({"fieldLabel": "x"}, options={"ignoreBots": True})
    with pytest.raises(WebhookNotFound):
        enter(shy, call(method="GET", headers={"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}))
    assert enter(shy, call(method="GET", headers={"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140"})).page


@pytest.mark.parametrize(
    ("parameters", "path"),
    [({}, "hook"), ({"path": "mine"}, "mine"), ({"path": "mine", "options": {"path": "newer"}}, "newer")],
)
def test_a_form_stands_where_it_is_called_to_stand(parameters: dict[str, Any], path: str) -> None:
    document = workflow(node("Form", FORM, parameters, webhookId="hook"), links=[])
    assert {(route.method, route.path) for route in routes_of(UUID(int=1), document)} == {("GET", path), ("POST", path)}


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, None),
        ({"formFields": {"values": [{"fieldLabel": "x", "fieldType": "slider"}]}}, "cannot be activated"),
        ({"formTitle": "={{ $json.a }}"}, None),
        ({"formFields": {"values": [{"fieldLabel": "x", "fieldType": "={{ 'number' }}"}]}}, None),
        ({"formFields": "={{ [] }}"}, None),
        ({"formFields": "text"}, "cannot be activated"),
        ({"options": {"customCss": "a{}"}}, "styles"),
    ],
)
def test_the_report_says_what_of_a_form_is_not_as_in_n8n(parameters: dict[str, Any], says: str | None) -> None:
    document = workflow(node("Form", "formTrigger", parameters, version=2.2), links=[])
    messages = [problem.message for problem in check(document, registry()).problems]
    assert len(messages) == (0 if says is None else 1)
    assert says is None or says in messages[0]


def test_by_hand_a_form_is_one_that_nobody_filled_in(driver: Driver) -> None:
    execution = driver.run(workflow(node("Form", "formTrigger", version=2.2), links=[]))
    assert [item["json"] for item in execution.last_items()] == [
        {"submittedAt": "2023-11-14T22:13:20.000Z", "formMode": "test"}
    ]
