"""People in the browser: signed in, managed, shown out; and known to every replica of the dashboard, with Redis and without."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio as redis
from playwright.async_api import Page, expect

from bus.messages import NoReply, Role
from bus.messages.people import CreateUser, UserList, UserRecord, UserRef
from bus.nats_bus import NatsBus
from tests.e2e.axe import serious
from tests.e2e.processes import GuiProcess
from tests.integration.coordinator.conftest import Hive
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

PASSWORD, OTHER = "maple-harbour-tin-42", "otter-lantern-quartz-7"


@pytest.fixture
async def people(nats_server: NatsServer, nats_bus: NatsBus, database_url: str, tmp_path: Path) -> AsyncIterator[Hive]:
    """With root, who may everything."""
    hive = Hive(nats_server, nats_bus, database_url)
    coordinator = hive.start_coordinator(data_dir=tmp_path)
    root = CreateUser(name="root", roles=(Role.ADMIN,), password=PASSWORD)
    await hive.ask("create", root, UserRecord, service="users", seconds=30)
    yield hive
    await hive.stop(coordinator)


@pytest.fixture
async def replicas(
    people: Hive, nats_server: NatsServer, valkey_url: str, tmp_path: Path
) -> AsyncIterator[tuple[GuiProcess, GuiProcess]]:
    shared = {"HIVE_REDIS_URL": valkey_url, "HIVE_GUI_SECRET": "one-secret-of-both-replicas-0123456789"}
    folders = tmp_path / "one", tmp_path / "other"
    for folder in folders:
        folder.mkdir()
    one, other = (GuiProcess(folder, nats_server.url, shared) for folder in folders)
    try:
        await asyncio.gather(one.start(), other.start())
        yield one, other
    finally:
        one.kill()
        other.kill()


async def sign_in(page: Page, gui: GuiProcess, name: str, password: str) -> None:
    await page.goto(f"{gui.url}/login")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_people_from_their_first_login_to_their_last(
    page: Page, people: Hive, replicas: tuple[GuiProcess, GuiProcess], valkey_url: str
) -> None:
    gui, other = replicas
    await sign_in(page, gui, "root", "wrong-all-the-way")
    await expect(page.get_by_role("alert")).to_contain_text("login_failed")
    assert await serious(page) == []
    await sign_in(page, gui, "root", PASSWORD)
    await expect(page.locator(".hv-who")).to_contain_text("root")

    await page.goto(f"{gui.url}/users")
    form = page.get_by_role("form", name="New user")
    await form.get_by_label("Name").fill("anna")
    await form.get_by_label("Password").fill("password1234")
    await form.get_by_role("button", name="Create user").click()
    await expect(page.locator(".hv-note")).to_contain_text("weak_password")
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("button", name="Create user").click()
    row = page.get_by_role("row").filter(has_text="anna")
    await expect(row).to_contain_text("password")
    await row.get_by_label("Role of anna").select_option("viewer")
    await expect(page.locator(".hv-note")).to_contain_text("anna: viewer")
    await page.get_by_role("button", name="Disable root").click()
    await expect(page.locator(".hv-note")).to_contain_text("last_admin")
    assert await serious(page) == []

    assert page.context.browser is not None
    hers = await (await page.context.browser.new_context()).new_page()
    await sign_in(hers, gui, "anna", PASSWORD)
    await expect(hers.locator(".hv-who")).to_contain_text("viewer")
    await expect(hers.get_by_role("link", name="Users")).to_have_count(0)
    await row.get_by_label("Role of anna").select_option("developer")
    await expect(hers.locator(".hv-who")).to_contain_text("developer")  # an open page is opened anew

    # Cookies are of a host, whatever its port: the other replica is shown the same ones.
    await hers.goto(f"{other.url}/login")
    await expect(hers.locator(".hv-who")).to_contain_text("anna")
    await other_forgets(other)
    async with redis.from_url(valkey_url) as cache:
        assert await cache.keys("session:*")
        await cache.flushall()
        await hers.goto(f"{other.url}/login")
        await expect(hers.locator(".hv-who")).to_contain_text("anna")
        assert await cache.keys("session:*"), "what was lost is there again"

    await hers.goto(f"{gui.url}/settings")
    own = hers.get_by_role("form", name="Change your password")
    await own.get_by_label("Now").fill(PASSWORD)
    await own.get_by_label("New").fill(OTHER)
    await own.get_by_role("button", name="Change it").click()
    await expect(hers.get_by_role("button", name="Sign in")).to_be_visible()
    await sign_in(hers, gui, "anna", OTHER)
    await expect(hers.locator(".hv-who")).to_contain_text("anna")

    await people.ask("disable", UserRef(name="anna"), UserRecord, service="users")
    await expect(hers.get_by_role("button", name="Sign in")).to_be_visible()
    await sign_in(hers, gui, "anna", OTHER)
    await expect(hers.get_by_role("alert")).to_contain_text("user_disabled")

    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await page.goto(f"{other.url}/users")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    names = [user.name for user in (await people.ask("list", NoReply(), UserList, service="users")).users]
    assert names == ["anna", "root"]
    assert not any(password in each.log for password in (PASSWORD, OTHER) for each in replicas)


async def other_forgets(gui: GuiProcess) -> None:
    """A replica that starts on another machine, without the folder of the last one."""
    gui.kill()
    for kept in (gui.folder / "gui").glob("storage-user-*.json"):
        kept.unlink()
    await gui.start()
