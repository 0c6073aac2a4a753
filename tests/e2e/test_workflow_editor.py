"""What the editor shows beside the canvas: the node at hand, where an execution failed, addresses, and a file of it all."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bus.nats_bus import NatsBus
from gui.workflows.listing import example_workflow
from tests.e2e.axe import serious
from tests.e2e.canvas import log_in, node, store
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import DEVELOPER, ScriptedHive
from tests.integration.workflow.parts import EngineProcess

pytestmark = pytest.mark.slow


def failing_workflow() -> dict[str, Any]:
    document = example_workflow()
    document["nodes"][2] |= {"type": "n8n-nodes-base.stopAndError", "typeVersion": 1, "parameters": {"errorMessage": "Enough"}}
    document["nodes"].append(
        {
            "id": "hook",
            "name": "Hook",
            "type": "n8n-nodes-base.webhook",
            "typeVersion": 2,
            "position": [2400, 0],
            "webhookId": "hook",
            "parameters": {"path": "orders"},
        }
    )
    return document


@pytest.mark.parametrize("width", [1440, 390])
async def test_the_node_whose_panel_opens_is_in_sight_and_a_failure_leads_to_its_node(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 844})
    made = await store(nats_bus, failing_workflow())
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Hook").click()
    await beside_the_panel(page, "Hook")
    await page.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Execute workflow").click()
    banner = page.locator(".hvc-banner")
    await expect(banner).to_contain_text("Judge: Enough")
    await banner.get_by_role("button", name="Show the node").click()
    await expect(page.locator(".hvc-data").get_by_role("alert")).to_contain_text("Enough")
    await beside_the_panel(page, "Judge")
    assert await serious(page) == []


async def beside_the_panel(page: Page, name: str) -> None:
    """All of the node's box is on the canvas, and not behind the panel."""
    script = """(name) => {
        const node = document.querySelector(`.hvc-node[data-node="${name}"] .hvc-box`)?.getBoundingClientRect();
        const flow = document.querySelector(".hvc-flow")?.getBoundingClientRect();
        const side = document.querySelector(".hvc-panel")?.getBoundingClientRect();
        if (!node || !side) return false;
        const clear = node.right <= side.left || node.bottom <= side.top;
        return clear && node.left >= flow.left && node.right <= flow.right && node.top >= flow.top;
    }"""
    await page.wait_for_function(script, arg=name)


async def test_a_webhook_s_addresses_are_whole_and_a_code_node_has_no_issue(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    made = await store(nats_bus, failing_workflow())
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await expect(node(page, "Orders")).to_be_visible()
    await expect(node(page, "Orders").locator(".hvc-issue")).to_have_count(0)
    await node(page, "Hook").click()
    addresses = page.locator(".hvc-address code")
    await expect(addresses.first).to_have_text("http://127.0.0.1:8420/webhook-test/orders")
    await expect(addresses.last).to_have_text("http://127.0.0.1:8420/webhook/orders")


async def test_only_fields_that_matter_are_asked_for(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    made = await store(nats_bus, example_workflow())
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Orders").click()
    await expect(page.get_by_label("JavaScript", exact=True)).to_be_visible()
    await expect(page.get_by_label("Python", exact=True)).to_have_count(0)
    await page.get_by_label("Language", exact=True).select_option("Python")
    await expect(page.get_by_label("Python", exact=True)).to_be_visible()
    await expect(page.get_by_label("JavaScript", exact=True)).to_have_count(0)


async def test_a_draft_is_exported_as_a_file_that_imports_again(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus, tmp_path: Path
) -> None:
    made = await store(nats_bus, example_workflow())
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Judge").click()
    await page.get_by_role("button", name="Duplicate").click()
    await expect(node(page, "Judge1")).to_be_visible()
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Export").click()
    file = tmp_path / (await downloading.value).suggested_filename
    await (await downloading.value).save_as(file)
    assert file.name == "Example_ which orders are large.json"
    document = json.loads(file.read_text())
    assert [each["name"] for each in document["nodes"]][-1] == "Judge1"
    await page.goto(f"{gui.url}/workflows")
    await page.get_by_role("button", name="Import").click()
    await page.get_by_label("A workflow’s file").set_input_files(file)
    await page.get_by_role("dialog").get_by_role("button", name="Import").click()
    await expect(node(page, "Judge1")).to_be_visible()
