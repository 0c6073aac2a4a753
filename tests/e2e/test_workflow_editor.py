"""What the editor shows beside the canvas: the node at hand, where an execution failed, addresses, and a file of it all."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bus.nats_bus import NatsBus
from gui.workflows.listing import example_workflow
from tests.e2e.axe import serious
from tests.e2e.canvas import log_in, node, saved, store
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
    await expect(page.get_by_role("region", name="input as a table")).to_contain_text("480")
    await beside_the_panel(page, "Judge")
    assert await serious(page) == []


async def test_two_quick_taps_on_a_phone_open_a_node_and_press_none_of_its_buttons(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    """The panel comes up under the finger."""
    await page.set_viewport_size({"width": 390, "height": 844})
    made = await store(nats_bus, example_workflow())
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await node(page, "Orders").dblclick()
    await beside_the_panel(page, "Orders")
    await saved(page, 1)
    await expect(page.locator(".hvc-node")).to_have_count(3)


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


def large_workflow(count: int) -> dict[str, Any]:
    """A chain in rows of twenty."""
    kinds = ("set", "if", "code", "noOp", "filter")
    nodes = [
        {
            "id": f"n{number}",
            "name": f"Node {number}",
            "type": f"n8n-nodes-base.{kinds[number % len(kinds)]}",
            "typeVersion": 2,
            "position": [number % 20 * 240, number // 20 * 200],
            "parameters": {},
        }
        for number in range(count)
    ]
    to = {f"Node {n}": {"main": [[{"node": f"Node {n + 1}", "type": "main", "index": 0}]]} for n in range(count - 1)}
    return {"name": "A large one", "nodes": nodes, "connections": to}


async def test_of_300_nodes_each_is_drawn_once_and_a_drag_draws_only_what_is_dragged(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    made = await store(nats_bus, large_workflow(300))
    await page.add_init_script("""
        window.drawn = new Set(); window.touched = new Set();
        new MutationObserver((records) => {
            for (const { target, addedNodes } of records) {
                for (const each of addedNodes) if (each instanceof Element) for (const card of [each, ...each.querySelectorAll("*")]) if (card.matches(".hvc-node")) drawn.add(card);
                const part = (target instanceof Element ? target : target.parentElement)?.closest(".vue-flow__node, .vue-flow__edge, .hvc-map");
                if (part) touched.add(part.dataset.id?.split("\\u0000")[0] ?? "the map");
            }
        }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    """)
    views: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: views.append("") if r"\"view\"" in str(frame) else None),
    )
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await expect(page.locator(".hvc-node")).to_have_count(300)
    await expect(page.locator(".vue-flow__edge")).to_have_count(299)
    await expect(node(page, "Node 299")).to_be_in_viewport()
    assert await page.evaluate("drawn.size") == 300
    assert len(views) == 1
    box = await node(page, "Node 150").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 60, box["y"] + 60, steps=4)
    await expect(page.locator(".vue-flow__node.dragging")).to_have_count(1)
    await page.evaluate("touched.clear()")
    await page.mouse.move(box["x"] + 200, box["y"] + 160, steps=10)
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert set(await page.evaluate("[...touched]")) == {"Node 149", "Node 150"}  # an edge is named by where it begins
    await page.mouse.up()
    await expect(page.locator(".hvc-saved")).to_have_text("Not saved")


async def test_the_map_shows_all_and_moves_what_is_in_sight(
    page: Page, hive: ScriptedHive, gui: GuiProcess, engine: EngineProcess, nats_bus: NatsBus
) -> None:
    made = await store(nats_bus, large_workflow(40))
    await log_in(page, hive, gui, DEVELOPER, f"/workflows/{made.id}")
    await expect(node(page, "Node 0")).to_be_in_viewport()
    for _ in range(4):
        await page.get_by_role("button", name="Zoom in").click()
    chart = await page.get_by_role("img", name="Map of the workflow").bounding_box()
    assert chart is not None
    await page.mouse.click(chart["x"] + chart["width"] * 0.92, chart["y"] + chart["height"] / 2)
    await expect(node(page, "Node 19")).to_be_in_viewport()
    await expect(node(page, "Node 0")).not_to_be_in_viewport()
    assert await serious(page) == []
