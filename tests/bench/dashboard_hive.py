"""A whole hive behind the dashboard, for what measures it: hosts that are simulated, tasks that stand in the database, and a browser that is logged in."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import psutil
from playwright.async_api import Browser, BrowserContext, ViewportSize, async_playwright

from bus import subjects
from bus.errors import HiveError
from bus.messages import AgentList, NoReply
from bus.nats_bus import NatsBus
from deploy.local.ports import free_port
from tests.bench.hive import KEY, BenchHive

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
READY_SECONDS = 60
SCREEN: ViewportSize = {"width": 1440, "height": 900}

# Over a week, mostly done, of twenty owners and models, each with the agent that did it.
_TASKS = """
WITH ours AS (SELECT array_agg(id ORDER BY slug) AS ids FROM agents)
INSERT INTO tasks (id, tenant, owner, priority, status, created_at, started_at, completed_at, sequence, model, request, title,
    assigned_agent_id, attempts, error_code, error_message)
SELECT gen_random_uuid(), 'default', 'owner-' || n % 20, 1 + n % 5,
    (CASE WHEN n % 25 = 0 THEN 'failed' WHEN n % 40 = 0 THEN 'cancelled' ELSE 'completed' END)::task_status_enum,
    at, at + interval '2 s', at + interval '9 s', n, 'model-' || n % 20, '{{"prompt":"Say hello"}}', 'Task number ' || n,
    ids[1 + n % array_length(ids, 1)], 1, CASE WHEN n % 25 = 0 THEN 'backend_stalled' END,
    CASE WHEN n % 25 = 0 THEN 'The backend wrote nothing for 30 s.' END
FROM ours, generate_series(1, {tasks}) n, LATERAL (SELECT now() - n * interval '6 s' AS at) t
"""


class DashboardHive:
    """`gui` is the dashboard's process, `url` its address."""

    def __init__(self, hive: BenchHive, bus: NatsBus, folder: Path, workflows: bool) -> None:
        self.hive, self.bus, self.port = hive, bus, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        rooms = ("coordinator", "coordinator.gateway", "monitor", *(["workflow"] if workflows else []))
        for room in rooms:
            hive.start(room, f"{room}.main")
        environment = {"NATS_URL": hive.server.url, "HIVE_DATA_DIR": str(folder), "HIVE_GUI_PORT": str(self.port)}
        self.gui = hive.other("gui.main", HIVE_LOG_LEVEL="warning", **environment)

    async def hosts(self, count: int, **environment: str) -> psutil.Process:
        """Returns when all of them are known."""
        process = self.hive.other(
            "tests.bench.simulated_sidecars", "0", str(count), NATS_URL=self.hive.server.url, **environment
        )
        verb = subjects.service_verb(subjects.SERVICE_AGENTS, "list")
        began = monotonic()
        while monotonic() - began < READY_SECONDS:
            try:
                if len((await self.bus.request(verb, NoReply(), AgentList, timeout=5)).agents) >= count:
                    return process
            except HiveError:
                pass
            await asyncio.sleep(0.2)
        raise TimeoutError(f"not all of {count} hosts are known after {READY_SECONDS} s")

    async def tasks(self, count: int) -> None:
        await self.hive.postgres.execute(_TASKS.format(tasks=count))
        await self.hive.postgres.execute("VACUUM ANALYZE tasks")

    async def log_in(self, browser: Browser) -> BrowserContext:
        """With the administrator's key."""
        context = await browser.new_context(viewport=SCREEN)
        page = await context.new_page()
        await page.goto(f"{self.url}/login")
        await page.locator("input[name=key]").fill(KEY)
        await page.get_by_role("button", name="Log in").click()
        await page.wait_for_selector(".hv-connection[data-kind=good]")
        await page.close()
        return context


async def answers(url: str) -> None:
    """Returns when something answers there."""
    async with httpx.AsyncClient() as client, asyncio.timeout(READY_SECONDS):
        while True:
            try:
                await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return


@asynccontextmanager
async def dashboard_hive(folder: Path, *, workflows: bool = False) -> AsyncIterator[DashboardHive]:
    with ExitStack() as ends:
        hive = BenchHive(ends, folder)
        async with AsyncExitStack() as stack:
            bus = await hive.connect()
            stack.push_async_callback(bus.close)
            found = DashboardHive(hive, bus, folder, workflows)
            await answers(f"{found.url}/healthz")
            yield found


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()
