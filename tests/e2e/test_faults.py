"""What the dashboard does when something it needs is away, and when it is told to stop."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import ADMIN, ScriptedHive
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow


@pytest.fixture
async def own_hive(own_nats_server: NatsServer) -> AsyncIterator[ScriptedHive]:
    bus = await own_nats_server.connect("scripted")
    hive = ScriptedHive(bus)
    await hive.lead()
    yield hive
    await bus.close()


@pytest.fixture
async def own_gui(own_hive: ScriptedHive, own_nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[GuiProcess]:
    folder = tmp_path / "data"
    folder.mkdir()
    gui = GuiProcess(folder, own_nats_server.url)
    await gui.start()
    yield gui
    gui.kill()


async def test_a_bus_that_goes_or_hangs_and_comes_back(
    page: Page, own_hive: ScriptedHive, own_gui: GuiProcess, own_nats_server: NatsServer
) -> None:
    own_hive.tickets["t"] = ADMIN
    await page.goto(f"{own_gui.url}/login?ticket=t")
    await expect(page.locator(".hv-connection")).to_have_text("Live")
    own_nats_server.kill()
    await expect(page.locator(".hv-connection")).to_have_text("Bus away")
    await expect(page.get_by_role("list", name="What is wrong")).to_contain_text("bus_unavailable")
    await page.get_by_label("Prompt").fill("Are you there?")
    await expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    own_nats_server.start()
    await expect(page.locator(".hv-connection")).to_have_text("Live")
    await expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    assert own_nats_server.process is not None
    own_nats_server.process.send_signal(signal.SIGSTOP)
    await expect(page.locator(".hv-connection")).to_have_text("Bus away")
    await expect(page.get_by_role("list", name="What is wrong")).to_contain_text("What you see is from")
    own_nats_server.process.send_signal(signal.SIGCONT)
    await expect(page.locator(".hv-connection")).to_have_text("Live")


async def test_a_stop_with_open_pages_is_clean_and_quick_and_the_page_says_so(dashboard: Page, gui: GuiProcess) -> None:
    assert gui.stop(within_seconds=5) == 0
    await expect(dashboard.locator(".hv-connection")).to_have_text("Reconnecting")
    await gui.start()
    await expect(dashboard.locator(".hv-connection")).to_have_text("Live")
    assert "Traceback" not in gui.log
