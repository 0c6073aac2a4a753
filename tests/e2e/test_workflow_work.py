"""A day's work in the editor of a whole hive: forms of nested fields, what n8n copied, two people at once, credentials."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from gui.workflows.listing import example_workflow
from tests.e2e.axe import serious
from tests.e2e.canvas import add, enter_by, node, saved
from tests.integration.workflow.echo import Echo
from tests.parts.hive import Hive

pytestmark = pytest.mark.slow

CASES = Path(__file__).parents[1] / "data" / "n8n" / "cases"


@pytest.fixture(scope="module")
def whole_hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    hive = Hive(tmp_path_factory.mktemp("work") / "hive", HIVE_WORKFLOW_ALLOW_INTERNAL='["127.0.0.1"]')
    hive.start()
    yield hive
    hive.stop()


@pytest.fixture
async def page(browser: Browser) -> Page:
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    return await context.new_page()


def stored(hive: Hive, document: dict[str, Any]) -> str:
    """The id of a workflow that is stored now."""
    file = hive.folder.with_name("workflow.json")
    file.write_text(json.dumps(document))
    found: str = hive.json("workflow", "import", str(file))["id"]
    return found


def exported(hive: Hive, workflow_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(hive.run("workflow", "export", workflow_id).stdout)
    return found


def parameters(hive: Hive, workflow_id: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in exported(hive, workflow_id)["nodes"] if each["name"] == name)["parameters"]
    return found


def lone(type_: str, version: float, **more: Any) -> dict[str, Any]:
    made = {"id": "n", "name": "Node", "type": type_, "typeVersion": version, "position": [0, 0], "parameters": {}, **more}
    return {"name": "One node", "nodes": [made], "connections": {}}


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True)


async def test_a_form_s_fields_are_rows_with_choices_and_options(page: Page, whole_hive: Hive) -> None:
    made = stored(whole_hive, lone("n8n-nodes-base.formTrigger", 2.5))
    await enter_by(page, whole_hive, f"/workflows/{made}")
    await node(page, "Node").click()
    await page.get_by_label("Title", exact=True).fill("Lunch")
    await page.get_by_role("button", name="Add: field").click()
    await row(page, "Field 1").get_by_label("Label", exact=True).fill("Your name")
    await page.get_by_role("button", name="Add another field").click()  # at once: both changes are kept
    second = row(page, "Field 2")
    await second.get_by_label("Label", exact=True).fill("Dish")
    await expect(second.get_by_label("Placeholder", exact=True)).to_be_visible()
    await second.get_by_label("Type", exact=True).select_option("Dropdown")
    await expect(second.get_by_label("Placeholder", exact=True)).to_have_count(0)
    for number, dish in enumerate(("Soup", "Bread"), 1):
        await second.get_by_role("button", name="choice").last.click()
        await row(page, f"Choice {number}").get_by_label("Choice", exact=True).fill(dish)
    await second.get_by_label("Required", exact=True).check()
    await page.get_by_role("button", name="Move field 2 up").click()
    await page.get_by_label("Add to options").select_option("What is shown then")
    await page.get_by_label("Show", exact=True).select_option("Another address")
    await page.get_by_label("Address", exact=True).fill("https://example.org/thanks")
    assert await serious(page) == []
    await page.get_by_role("button", name="Save").click()
    await saved(page, 2)
    found = parameters(whole_hive, made, "Node")
    dish, name = found["formFields"]["values"]
    assert (found["formTitle"], name) == ("Lunch", {"fieldLabel": "Your name", "fieldType": "text"})
    assert dish == {
        "fieldLabel": "Dish",
        "fieldType": "dropdown",
        "fieldOptions": {"values": [{"option": "Soup"}, {"option": "Bread"}]},
        "requiredField": True,
    }
    shown = {"respondWith": "redirect", "redirectUrl": "https://example.org/thanks"}
    assert found["options"] == {"respondWithOptions": {"values": shown}}
    await page.get_by_role("button", name="Remove: What is shown then").click()
    await page.get_by_role("button", name="Save").click()
    await saved(page, 3)
    assert "respondWithOptions" not in parameters(whole_hive, made, "Node").get("options", {})


async def test_a_request_and_a_call_of_a_workflow_are_written_without_json(page: Page, whole_hive: Hive) -> None:
    called = stored(whole_hive, {**example_workflow(), "name": "To be called"})
    made = stored(whole_hive, lone("n8n-nodes-base.httpRequest", 4.2))
    await enter_by(page, whole_hive, f"/workflows/{made}")
    await node(page, "Node").click()
    await page.get_by_label("URL", exact=True).fill("https://example.org")
    await page.get_by_label("Send query", exact=True).check()
    await page.get_by_role("button", name="Add: field").click()
    await row(page, "Field 1").get_by_label("Name", exact=True).fill("q")
    await row(page, "Field 1").get_by_label("Value", exact=True).fill("bees")
    await page.get_by_label("Send a body", exact=True).check()
    await page.get_by_label("Body as", exact=True).select_option("JSON")
    await page.get_by_label("JSON of the body", exact=True).fill('{"a": ')
    await expect(page.get_by_text("This is not JSON")).to_be_visible()
    await page.get_by_label("JSON of the body", exact=True).fill('{"a": 1}')
    await expect(page.get_by_text("This is not JSON")).to_have_count(0)
    await page.get_by_label("Add to options").select_option("Answer")
    await page.get_by_label("With status and headers", exact=True).check()
    await add(page, "Execute Workflow")
    await node(page, "Execute Workflow").click()
    await page.get_by_label("Which", exact=True).select_option("To be called")
    await page.get_by_role("button", name="Add: field").click()
    await page.get_by_label("Name", exact=True).fill("order")
    await page.get_by_label("Value", exact=True).fill("{{ $json.id }}")
    await page.get_by_role("button", name="ƒx: Value is fixed").click()
    await expect(page.get_by_role("button", name="ƒx: Value is an expression")).to_be_visible()
    await page.get_by_role("button", name="Save").click()
    await saved(page, 2)
    request = parameters(whole_hive, made, "Node")
    assert request["queryParameters"] == {"parameters": [{"name": "q", "value": "bees"}]}
    assert (request["sendBody"], request["specifyBody"], request["jsonBody"]) == (True, "json", '{"a": 1}')
    assert request["options"] == {"response": {"response": {"fullResponse": True}}}
    call = parameters(whole_hive, made, "Execute Workflow")
    assert call["workflowId"] == {"__rl": True, "mode": "list", "value": called, "cachedResultName": "To be called"}
    assert call["workflowInputs"] == {"mappingMode": "defineBelow", "value": {"order": "={{ $json.id }}"}}


@pytest.mark.parametrize("case", ["merge-modes", "loop-if"])
async def test_what_was_copied_in_n8n_is_pasted_and_copied_back(page: Page, whole_hive: Hive, case: str) -> None:
    recorded = json.loads((CASES / f"{case}.json").read_text())
    copied = {"nodes": recorded["nodes"], "connections": recorded["connections"], "meta": {"instanceId": "another"}}
    made = stored(whole_hive, {"name": f"Empty {case}", "nodes": [], "connections": {}})
    await enter_by(page, whole_hive, f"/workflows/{made}")
    await expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    await page.evaluate("(text) => navigator.clipboard.writeText(text)", json.dumps(copied))
    await page.locator(".vue-flow__pane").click(position={"x": 30, "y": 30})
    await page.keyboard.press("Control+v")
    await expect(page.locator(".hvc-node")).to_have_count(len(recorded["nodes"]))
    await page.locator(".vue-flow__pane").click(position={"x": 30, "y": 30})
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Control+c")
    await expect(page.locator(".hvc-banner")).to_contain_text(f"{len(recorded['nodes'])} nodes copied")
    back = json.loads(await page.evaluate("navigator.clipboard.readText()"))
    kept = ("name", "type", "typeVersion", "parameters")
    assert [{key: each.get(key) for key in kept} for each in back["nodes"]] == [
        {key: each.get(key) for key in kept} for each in recorded["nodes"]
    ]
    assert back["connections"] == recorded["connections"]


async def rename(page: Page, old: str, new: str) -> None:
    await node(page, old).click()
    await page.get_by_label("Name of the node").fill(new)
    await page.get_by_label("Name of the node").press("Enter")
    await expect(node(page, new)).to_be_visible()


async def test_of_two_who_save_the_second_waits_takes_or_keeps_and_earlier_versions_come_back(
    page: Page, browser: Browser, whole_hive: Hive
) -> None:
    made = stored(whole_hive, example_workflow())
    other = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
    for each in (page, other):
        await enter_by(each, whole_hive, f"/workflows/{made}")
        await expect(each.locator(".hvc-node")).to_have_count(3)
    await rename(other, "Orders", "Bills")
    await other.get_by_role("button", name="Save").click()
    await saved(other, 2)
    await expect(page.locator(".hvc-banner")).to_contain_text("has saved version 2 meanwhile")
    await rename(page, "Orders", "Mine")
    await page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("changed node Bills (was Orders)")
    await expect(dialog).to_contain_text("changed node Mine (was Orders)")
    assert await serious(page) == []
    await dialog.get_by_role("button", name="Not now").click()
    await expect(node(page, "Mine")).to_be_visible()
    await expect(page.locator(".hvc-saved")).to_have_text("Not saved")
    await page.get_by_role("button", name="Save").click()
    await dialog.get_by_role("button", name="Take theirs").click()
    await expect(node(page, "Bills")).to_be_visible()
    await saved(page, 2)
    await page.keyboard.press("Control+z")
    await expect(node(page, "Mine")).to_be_visible()
    await page.get_by_role("button", name="Save").click()
    await saved(page, 3)
    await page.get_by_role("button", name="Versions").click()
    versions = page.get_by_label("Versions", exact=True)
    await versions.get_by_role("button", name="Compare").nth(1).click()
    await expect(versions.locator(".hvc-diff")).to_contain_text("changed node Mine (was Bills)")
    assert await serious(page) == []
    await versions.get_by_role("button", name="Restore").nth(2).click()
    await expect(node(page, "Orders")).to_be_visible()
    assert "Mine" in [each["name"] for each in exported(whole_hive, made)["nodes"]]


async def test_a_credential_is_tried_at_an_address_and_deleted(page: Page, whole_hive: Hive) -> None:
    file = whole_hive.folder.with_name("key.json")
    file.write_text('{"name": "X-Key", "value": "open sesame"}')
    whole_hive.run("credential", "add", "Door", "httpHeaderAuth", "--file", str(file), "--owner", "admin")
    wants = {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth", "url": "https://example.org"}
    made = stored(whole_hive, lone("n8n-nodes-base.httpRequest", 4.2, parameters=wants))
    await enter_by(page, whole_hive, f"/workflows/{made}")
    await node(page, "Node").click()
    choice = page.get_by_label("Credential: Header", exact=True)
    await choice.select_option("Door")
    await page.get_by_role("button", name="Edit credential: Door").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Try it").click()
    await expect(dialog.get_by_role("status")).to_contain_text("Nothing was asked with it")
    async with Echo() as echo:
        await dialog.get_by_label("Address to try it at").fill(f"{echo.url}who")
        await dialog.get_by_role("button", name="Try it").click()
        await expect(dialog.get_by_role("status")).to_have_text("The service answered with status 200.")
        assert [(each.method, each.headers["x-key"]) for each in echo.requests] == [("GET", "open sesame")]
        await dialog.get_by_label("Address to try it at").fill(f"{echo.url}refused")
        await dialog.get_by_role("button", name="Try it").click()
        await expect(dialog.get_by_role("status")).to_contain_text("does not take it")
    await dialog.get_by_role("button", name="Delete", exact=True).click()
    assert await serious(page) == []
    await dialog.get_by_role("button", name="Delete it").click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_text("There is no such credential that you may use")).to_be_visible()
    assert "Door" not in whole_hive.run("credential", "list").stdout
