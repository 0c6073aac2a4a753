"""The way in and out of the dashboard."""

import httpx
import pytest
from playwright.async_api import Page, expect

from bus.messages import Claims, Role
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import ADMIN, ScriptedHive

pytestmark = pytest.mark.slow

DEVELOPER = Claims(sub="dora", roles=(Role.DEVELOPER,))
VIEWER = Claims(sub="vic", roles=(Role.VIEWER,))


async def log_in(page: Page, gui: GuiProcess, key: str) -> None:
    await page.goto(gui.url)
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Log in").click()


async def test_without_a_login_every_page_is_the_login_page(gui: GuiProcess) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(gui.url)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        health = await client.get(f"{gui.url}/healthz")
    assert health.json() == {"status": "ok"}
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert answer.headers["x-frame-options"] == "DENY"


async def test_a_link_lets_in_once_and_leaves_the_address_bar(page: Page, hive: ScriptedHive, gui: GuiProcess) -> None:
    hive.tickets["once-only"] = ADMIN
    await page.goto(f"{gui.url}/login?ticket=once-only")
    await expect(page.locator(".hv-who")).to_contain_text("ada")
    assert page.url == f"{gui.url}/"
    assert "once-only" not in gui.log
    assert page.context.browser is not None
    stranger = await (await page.context.browser.new_context()).new_page()
    await stranger.goto(f"{gui.url}/login?ticket=once-only")
    await expect(stranger.get_by_role("alert")).to_contain_text("unauthenticated")


async def test_a_key_lets_in_and_its_revocation_shows_out(page: Page, hive: ScriptedHive, gui: GuiProcess) -> None:
    key = await hive.key(DEVELOPER)
    await log_in(page, gui, "sk-hive-this-is-not-a-key-that-anybody-made")
    await expect(page.get_by_role("alert")).to_contain_text("unauthenticated")
    await log_in(page, gui, key)
    await expect(page.locator(".hv-who")).to_contain_text("dora")
    assert key not in gui.log
    await hive.revoke(key)
    await hive.add_noise()
    await expect(page.get_by_label("API key")).to_be_visible()


async def cookie(page: Page) -> str:
    [found] = [each["value"] for each in await page.context.cookies() if each["name"] == "hive_gui"]
    return found


async def test_who_logs_out_is_out_and_so_is_who_has_a_copy_of_the_cookie(dashboard: Page, gui: GuiProcess) -> None:
    """No coordinator is there to be told."""
    before = await cookie(dashboard)
    await dashboard.get_by_role("button", name="Log out").click()
    await expect(dashboard.get_by_label("API key")).to_be_visible()
    await dashboard.goto(gui.url)
    await expect(dashboard.get_by_label("API key")).to_be_visible()
    assert identity(await cookie(dashboard)) != identity(before)
    async with httpx.AsyncClient(cookies={"hive_gui": before}) as thief:
        assert (await thief.get(gui.url)).headers["location"] == "/login"


def identity(value: str) -> str:
    """What stands in a signed cookie, without when it was signed."""
    return value.partition(".")[0]


async def test_a_viewer_may_look_and_is_offered_nothing_else(page: Page, hive: ScriptedHive, gui: GuiProcess) -> None:
    await log_in(page, gui, await hive.key(VIEWER))
    await expect(page.get_by_role("heading", name="My tasks")).to_be_visible()
    await expect(page.get_by_role("heading", name="New task")).to_have_count(0)


async def test_a_login_outlives_a_restart_of_the_dashboard(dashboard: Page, gui: GuiProcess) -> None:
    assert gui.stop(within_seconds=5) == 0
    await gui.start()
    later = await dashboard.context.new_page()  # the one that is open finds back by itself, at a moment of its own
    await later.goto(gui.url)
    await expect(later.locator(".hv-who")).to_contain_text("ada")
