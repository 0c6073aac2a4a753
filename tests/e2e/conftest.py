"""The dashboard's process, a scripted hive on the real bus, and Chromium in front of it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from bus.nats_bus import NatsBus
from bus.permissions import GUI
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import ADMIN, ScriptedHive
from tests.integration.workflow.parts import EngineProcess
from tests.parts.nats import NatsServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000
"""A page shows what came once the browser gets to it, which has the processors with everything else."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
async def hive(nats_bus: NatsBus) -> AsyncIterator[ScriptedHive]:
    hive = ScriptedHive(nats_bus)
    await hive.lead()
    yield hive
    await hive.resign()


@pytest.fixture
async def gui(hive: ScriptedHive, nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[GuiProcess]:
    gui = GuiProcess(tmp_path, nats_server.url_of(GUI))
    await gui.start()
    yield gui
    gui.kill()


@pytest.fixture
async def engine(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[EngineProcess]:
    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        yield engine


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page


@pytest.fixture
async def dashboard(page: Page, hive: ScriptedHive, gui: GuiProcess) -> Page:
    """The live page, with an administrator in front of it."""
    hive.tickets["a-ticket"] = ADMIN
    await page.goto(f"{gui.url}/login?ticket=a-ticket")
    await page.wait_for_selector(".hv-connection[data-kind=good]")
    return page
