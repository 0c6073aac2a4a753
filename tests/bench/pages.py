"""How soon each page of the dashboard opens: `python -m tests.bench.pages [HOSTS] [TASKS] [ROUNDS]` (200, 100,000, 5).

A real hive with so many simulated hosts and tasks in the database, and Chromium in front of it. "Seconds" runs from the address to the
first picture with what the page is about: once with an empty cache, and the best and the median of ROUNDS in a browser that was here
before. Beside it what one opening costs: processor time of the dashboard's process and of the page in the browser (all of it; script alone).
The first line is a page of plain NiceGUI with one heading, which nothing can be quicker than.
"""

import asyncio
import os
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import psutil
import uvloop
from playwright.async_api import Browser, BrowserContext, CDPSession

from bus import subjects
from bus.messages import ListTasks, TaskList
from bus.messages.workflows import CreateWorkflow, WorkflowRecord
from deploy.local.ports import free_port
from tests.bench.dashboard_hive import DashboardHive, answers, chromium, dashboard_hive
from tests.bench.load import cpu_seconds
from tests.e2e.test_workflow_editor import large_workflow

NODES = 300
DRAG_STEPS = 100
SETTLE_SECONDS = 5.0
PATIENCE_MS = 30_000

# When a picture with what is looked for was on the screen, in milliseconds from the address.
_WATCH = """(() => {
    const look = () => {
        if (window.openedMs || !document.querySelector(SELECTOR)) return;
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => (window.openedMs = performance.now())));
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { subtree: true, childList: true });
})()"""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Milliseconds."""

    wall: float
    server: float
    browser: float
    script: float


async def opening(context: BrowserContext, address: str, selector: str, server: psutil.Process) -> Opening:
    page = await context.new_page()
    await page.add_init_script(_WATCH.replace("SELECTOR", repr(selector)))
    lens = await context.new_cdp_session(page)
    await lens.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = cpu_seconds({"server": server})["server"]
    try:
        await page.goto(address, wait_until="commit")
        await page.wait_for_function("window.openedMs", timeout=PATIENCE_MS)
        wall = await page.evaluate("window.openedMs")
        used = cpu_seconds({"server": server})["server"] - before
        figures = {each["name"]: each["value"] for each in (await lens.send("Performance.getMetrics"))["metrics"]}
    finally:
        await page.close()
    return Opening(wall=wall, server=used * 1e3, browser=figures["TaskDuration"] * 1e3, script=figures["ScriptDuration"] * 1e3)


async def show(
    browser: Browser, context: BrowserContext, name: str, address: str, selector: str, server: psutil.Process, rounds: int
) -> None:
    async with await browser.new_context(
        storage_state=await context.storage_state(), viewport=context.pages[0].viewport_size
    ) as new:
        first = await opening(new, address, selector, server)
    found = [await opening(context, address, selector, server) for _ in range(rounds)]
    walls = [each.wall / 1e3 for each in found]
    server_ms, browser_ms, script_ms = (
        statistics.median(getattr(each, what) for each in found) for what in ("server", "browser", "script")
    )
    print(
        f"{name:24} empty cache {first.wall / 1e3:5.2f} s   best {min(walls):5.2f} s   median {statistics.median(walls):5.2f} s   "
        f"server {server_ms:4.0f} ms   browser {browser_ms:5.0f} ms (script {script_ms:4.0f})   load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


async def drag(context: BrowserContext, address: str) -> None:
    """One of the nodes is dragged through the others: what a step costs the page, and how many pictures a second there were."""
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_selector(f".vue-flow__edge >> nth={NODES - 2}", state="attached", timeout=PATIENCE_MS)
    box = await page.locator('.hvc-node[data-node="Node 150"]').bounding_box()
    assert box is not None
    lens = await context.new_cdp_session(page)
    await lens.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 40, box["y"] + 40, steps=4)
    await page.evaluate(
        "() => { window.pictures = 0; const next = () => { pictures++; requestAnimationFrame(next); }; next(); }"
    )
    before, began = await task_seconds(lens), monotonic()
    await page.mouse.move(box["x"] + 240, box["y"] + 160, steps=DRAG_STEPS)
    wall, used = monotonic() - began, await task_seconds(lens) - before
    pictures = await page.evaluate("pictures")
    await page.mouse.up()
    await page.close()
    print(
        f"drag among {NODES} nodes: {used / DRAG_STEPS * 1e3:.1f} ms of a processor a step ({1 / max(1e-6, used / DRAG_STEPS):.0f} steps/s), "
        f"{pictures / wall:.0f} pictures/s; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


async def task_seconds(lens: CDPSession) -> float:
    """Seconds of a processor that the page has taken."""
    return next(
        each["value"] for each in (await lens.send("Performance.getMetrics"))["metrics"] if each["name"] == "TaskDuration"
    )


async def pages_of(hive: DashboardHive) -> dict[str, tuple[str, str]]:
    """Each page's address, and what is there once it is open."""
    listed = await hive.bus.request(
        subjects.service_verb(subjects.SERVICE_TASKS, "list"), ListTasks(limit=1), TaskList, timeout=10
    )
    made = await hive.bus.request(
        subjects.service_verb(subjects.SERVICE_WORKFLOWS, "create"),
        CreateWorkflow(n8n_data=large_workflow(NODES)),
        WorkflowRecord,
        timeout=30,
    )
    row = "table tbody tr"
    return {
        "overview": ("/", "#agent-host-0000"),
        "tasks": ("/tasks", row),
        "tasks of one agent": ("/tasks?agent_id=host-0007", row),
        "tasks, none found": ("/tasks?model=nobody-has-it", ".hv-empty"),
        "a task": (f"/tasks/{listed.tasks[0].id}", ".hv-task-view .hv-status"),
        "agents": ("/agents", row),
        "an agent": ("/agents/host-0007", ".hv-attempts li"),
        "models": ("/models", row),
        "playground": ("/playground", "textarea"),
        "MCP servers": ("/mcp-servers", ".hv-empty"),
        "alerts": ("/alerts", f"{row}, .hv-empty"),
        "timeline": ("/timeline", ".hv-lane button"),
        "settings": ("/settings", row),
        "workflows": ("/workflows", row),
        f"editor, {NODES} nodes": (f"/workflows/{made.id}", f".vue-flow__node:nth-child({NODES}) .hvc-node"),
    }


async def measure(folder: Path, hosts: int, tasks: int, rounds: int) -> None:
    async with dashboard_hive(folder, workflows=True) as hive, chromium() as browser:
        await hive.hosts(hosts)
        await hive.tasks(tasks)
        port = free_port()
        plain = hive.hive.other("tests.bench.plain_page", str(port))
        await answers(f"http://127.0.0.1:{port}")
        await asyncio.sleep(SETTLE_SECONDS)
        context = await hive.log_in(browser)
        await context.new_page()
        await show(browser, context, "plain NiceGUI", f"http://127.0.0.1:{port}/", "#plain", plain, rounds)
        for name, (path, selector) in (await pages_of(hive)).items():
            await show(browser, context, name, hive.url + path, selector, hive.gui, rounds)
        await drag(context, hive.url + path)  # the last is the editor


def main() -> None:
    hosts, tasks, rounds = [int(word) for word in sys.argv[1:]] + [200, 100_000, 5][len(sys.argv) - 1 :]
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(measure(Path(folder), hosts, tasks, rounds))


if __name__ == "__main__":
    main()
