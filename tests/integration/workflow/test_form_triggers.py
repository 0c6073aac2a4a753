"""Forms through a real gateway: the page in a real browser, what it sends, and what programs send instead."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient, BasicAuth
from playwright.async_api import Browser

from bus.nats_bus import NatsBus
from tests.e2e.conftest import browser  # noqa: F401 - a fixture
from tests.integration.workflow.browsing import watched
from tests.integration.workflow.doors import doors, given, saved
from tests.integration.workflow.parts import chain, node
from tests.parts.nats import NatsServer
from workflow.doors.chat import CHAT

pytestmark = pytest.mark.slow

OPTIONS = {"values": [{"option": "red"}, {"option": "green"}, {"option": "blue"}]}
END = node("End", "noOp")
FIELDS = [
    {"fieldLabel": "Name", "requiredField": True, "placeholder": "Ann"},
    {"fieldLabel": "Story", "fieldType": "textarea"},
    {"fieldLabel": "Age", "fieldType": "number"},
    {"fieldLabel": "Mail", "fieldType": "email"},
    {"fieldLabel": "Word", "fieldType": "password"},
    {"fieldLabel": "Day", "fieldType": "date"},
    {"fieldLabel": "Colour", "fieldType": "dropdown", "fieldOptions": OPTIONS},
    {"fieldLabel": "Some", "fieldType": "dropdown", "fieldOptions": OPTIONS, "multiselect": True},
    {"fieldLabel": "Boxes", "fieldType": "checkbox", "fieldOptions": OPTIONS},
    {"fieldLabel": "One", "fieldType": "radio", "fieldOptions": OPTIONS},
    {"fieldLabel": "Papers", "fieldType": "file", "acceptFileTypes": ".txt"},
    {"fieldName": "source", "fieldType": "hiddenField", "fieldValue": "page"},
    {"fieldType": "html", "html": "<b>Thanks</b> for <a href='https://example.org/'>reading</a>"},
]


def form(path: str, *fields: dict[str, Any], version: float = 2.2, **parameters: Any) -> dict[str, Any]:
    values = {"path": path, "formTitle": "Tell us", "formFields": {"values": list(fields)}, **parameters}
    return node("Form", "formTrigger", values, version, webhookId=f"hook-{path}")


@pytest.fixture
async def client(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client:
        yield client


async def test_a_person_fills_in_every_kind_of_field(client: AsyncClient, browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    made = await saved(client, chain(form("all", *FIELDS, formDescription="All of <i>it</i>\nplease"), END))
    paper = tmp_path / "paper.txt"
    paper.write_text("ink")
    async with watched(browser, "dark") as seen, asyncio.timeout(90):
        page = seen.page
        await page.goto(f"{client.base_url}/form/all?Name=Ann&source=mail")
        assert await page.get_by_label("Name *").input_value() == "Ann"
        await page.get_by_label("Story").fill("one\ntwo")
        await page.get_by_label("Age").fill("41")
        await page.get_by_label("Mail").fill("ann@example.org")
        await page.get_by_label("Word").fill("s3cret")
        await page.get_by_label("Day").fill("2026-12-31")
        await page.get_by_label("Colour").select_option("green")
        await page.get_by_label("Some").select_option(["red", "blue"])
        boxes = page.get_by_role("group", name="Boxes")
        await boxes.get_by_label("red").check()
        await boxes.get_by_label("blue").check()
        await page.get_by_role("group", name="One").get_by_label("green").check()
        await page.get_by_label("Papers").set_input_files(paper)
        assert await seen.fits()
        await page.get_by_role("button", name="Submit").click()
        await page.get_by_text("Your response has been recorded").wait_for()
        assert seen.complaints == []
        own = str(client.base_url).rstrip("/")
        assert {url.removeprefix(own).partition("?")[0] for url in seen.asked} <= {"/form/all", "/favicon.ico"}
    (item,) = await given(client, made, "Form")
    assert item["json"].pop("submittedAt")
    assert item["json"] == {
        "Name": "Ann",
        "Story": "one\r\ntwo",
        "Age": 41,
        "Mail": "ann@example.org",
        "Word": "s3cret",
        "Day": "2026-12-31",
        "Colour": "green",
        "Some": ["red", "blue"],
        "Boxes": ["red", "blue"],
        "One": "green",
        "Papers": [{"filename": "paper.txt", "mimetype": "text/plain", "size": 3}],
        "source": "mail",
        "formMode": "production",
    }
    assert item["binary"]["Papers_0"]["data"] == "aW5r"


async def test_what_is_wrong_is_said_where_it_is_wrong_and_nothing_starts(client: AsyncClient, browser: Browser) -> None:  # noqa: F811
    limits = {"limitSelection": "exact", "numberOfSelections": 2}
    boxes = {"fieldLabel": "Boxes", "fieldType": "checkbox", "fieldOptions": OPTIONS, **limits}
    values = {"respondWith": "redirect", "redirectUrl": f"{str(client.base_url).rstrip(chr(47))}/healthz"}
    options = {"respondWithOptions": {"values": values}}
    made = await saved(client, chain(form("wrong", {"fieldLabel": "Name"}, boxes, options=options), END))
    async with watched(browser) as seen, asyncio.timeout(90):
        page = seen.page
        await page.goto(f"{client.base_url}/form/wrong")
        await page.get_by_label("Name").fill("Ann")
        await page.get_by_label("red").check()
        await page.get_by_role("button", name="Submit").click()
        await page.get_by_text("Choose at least 2.").wait_for()
        assert await page.get_by_label("Name").input_value() == "Ann"
        assert await page.get_by_label("red").is_checked()
        assert (await client.get("/api/executions", params={"workflow_id": made})).json()["executions"] == []
        await page.get_by_label("blue").check()
        await page.get_by_role("button", name="Submit").click()
        await page.wait_for_url("**/healthz")
    (item,) = await given(client, made, "Form")
    assert item["json"]["Boxes"] == ["red", "blue"]


async def test_programs_post_forms_too(client: AsyncClient) -> None:
    """By the names of the fields on the page, or of the values; what is wrong is a problem with a code."""
    fields = ({"fieldLabel": "Age", "fieldType": "number"}, {"fieldLabel": "Story"})
    made = await saved(client, chain(form("post", *fields), END), active=False)
    async with AsyncClient(base_url=client.base_url, timeout=60) as stranger:
        closed = await stranger.post("/form/post", json={"Age": 7})
        assert (closed.status_code, closed.json()["code"]) == (404, "webhook_not_found")
        assert (await stranger.get("/form-test/post")).status_code == 401
        tested = await client.post("/form-test/post", data={"field-0": "7"})
        assert tested.status_code == 200
        (item,) = await given(client, made, "Form")
        assert (item["json"]["Age"], item["json"]["formMode"]) == (7, "test")
        await client.post(f"/api/workflows/{made}/activate")
        for sent in ({"json": {"Age": 8}}, {"data": {"field-0": "8"}}, {"files": {"field-0": (None, "8")}}):
            answer = await stranger.post("/form/post", **sent)  # type: ignore[arg-type]
            assert answer.status_code == 200, answer.text
            (item,) = await given(client, made, "Form")
            assert item["json"]["Age"] == 8
        odd = "a\x00b \U0001f600"
        assert (await stranger.post("/form/post", data={"field-1": odd})).status_code == 200
        (item,) = await given(client, made, "Form")
        assert (item["json"]["Age"], item["json"]["Story"]) == (None, odd)
        wrong = await stranger.post("/form/post", json={"Age": "old"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")
        assert "Age: This is no number" in wrong.json()["detail"]
        broken = await stranger.post(
            "/form/post", content=b"--x\r\nno", headers={"content-type": "multipart/form-data; boundary=y"}
        )
        assert (broken.status_code, broken.json()["code"]) == (422, "invalid_request")
        unbounded = await stranger.post("/form/post", content=b"--x", headers={"content-type": "multipart/form-data"})
        assert (unbounded.status_code, unbounded.json()["code"]) == (422, "invalid_request")
        assert (await stranger.get("/webhook/post")).status_code == 404, "it is no webhook"
        assert (await stranger.put("/form/post")).status_code == 405
        shown = await stranger.get("/form/post")
        assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert shown.headers.get_list("content-security-policy")[0].startswith("default-src 'none'")


async def test_a_form_answers_when_its_workflow_ends_and_lets_in_who_may(client: AsyncClient) -> None:
    secret = {"name": "door", "type": "httpBasicAuth", "data": {"user": "ann", "password": "right"}}
    made = (await client.post("/api/credentials", json=secret)).json()
    own = form("locked", {"fieldLabel": "x"}, version=2, responseMode="lastNode", authentication="basicAuth")
    own["credentials"] = {"httpBasicAuth": {"id": made["id"], "name": "door"}}
    await saved(client, chain(own, node("Break", "stopAndError", {"errorMessage": "secret reason"})))
    fine = form("fine", {"fieldLabel": "x"}, version=1, responseMode="lastNode", options={"formSubmittedText": "All done"})
    await saved(client, chain(fine, END))
    async with AsyncClient(base_url=client.base_url, timeout=60) as stranger:
        for method in ("GET", "POST"):
            assert (await stranger.request(method, "/form/locked")).status_code == 401
        refused = await stranger.post("/form/locked", json={}, auth=BasicAuth("ann", "right"))
        assert (refused.status_code, "Problem submitting response" in refused.text) == (500, True)
        assert "secret reason" not in refused.text
        answer = await stranger.post("/form/fine", data={"field-0": "y"})
        assert (answer.status_code, "All done" in answer.text) == (200, True)


async def test_a_form_that_is_none_is_not_activated(client: AsyncClient) -> None:
    bad = chain(form("bad", {"fieldLabel": "x", "fieldType": "slider"}), END)
    made = (await client.post("/api/workflows", json={"n8n_data": bad})).json()
    assert ["cannot be activated" in each["message"] for each in made["problems"]] == [True]
    answer = await client.post(f"/api/workflows/{made['id']}/activate")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_workflow")


async def test_what_a_form_and_a_chat_say_is_evaluated_and_what_fails_is_said(client: AsyncClient) -> None:
    """By the engine's own V8, for whoever comes by; why it failed is told to who may test the workflow alone."""
    named = {"fieldLabel": "={{ 'Sum of ' + [1, 2].length }}", "requiredField": True}
    made = await saved(client, chain(form("said", named, formTitle="={{ $workflow.name.toUpperCase() }} <b>"), END))
    await saved(client, chain(form("broken", named, formTitle="={{ $('Nowhere').first().json.x }}"), END))
    await saved(client, chain(form("none", {"fieldLabel": "x", "fieldType": "={{ 'slider' }}"}), END))
    talk = {"public": True, "options": {"title": "={{ 'Room ' + 101 }}"}}
    await saved(client, chain(node("Chat", CHAT, talk, 1.1, webhookId="talk"), END))
    async with AsyncClient(base_url=client.base_url, timeout=60) as stranger:
        page = await stranger.get("/form/said")
        assert (page.status_code, "<h1>A CHAIN &lt;b&gt;</h1>" in page.text, "Sum of 2 *" in page.text) == (200, True, True)
        again = await stranger.post("/form/said", data={"field-0": ""}, headers={"accept": "text/html"})
        assert (again.status_code, "Sum of 2 *" in again.text) == (400, True)
        assert (await stranger.post("/form/said", data={"field-0": "x"})).status_code == 200
        assert (await given(client, made, "Form"))[0]["json"]["Sum of 2"] == "x"
        assert "<h1>Room 101</h1>" in (await stranger.get("/webhook/talk/chat")).text
        for path in ("broken", "none"):
            broken = await stranger.get(f"/form/{path}")
            assert (broken.status_code, "This page cannot be shown" in broken.text) == (422, True)
            assert "Referenced" not in broken.text
            assert "slider" not in broken.text
    assert "formTitle: Referenced node doesn&#x27;t exist" in (await client.get("/form-test/broken")).text
    assert "slider" in (await client.get("/form-test/none")).text
