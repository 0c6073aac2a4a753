"""Signing in at an OpenID provider: the dashboard's process, the coordinator, PostgreSQL and a provider, all real."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bus.messages import NoReply
from bus.messages.people import UserList, UserRecord, UserRef
from bus.nats_bus import NatsBus
from bus.permissions import GUI
from tests.e2e.processes import GuiProcess
from tests.integration.coordinator.conftest import Hive
from tests.parts.nats import NatsServer
from tests.parts.oidc import OidcProvider

pytestmark = pytest.mark.slow

MAPPED = {"HIVE_OIDC_ROLES_CLAIM": "groups", "HIVE_OIDC_ROLES": '{"gpu-admins": "admin", "staff": "viewer"}'}
VERIFIED = {"email_verified": True, "groups": ["staff", "other"]}


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[OidcProvider]:
    provider = OidcProvider(tmp_path)
    provider.start()
    try:
        await provider.ready()
        yield provider
    finally:
        provider.kill()


@pytest.fixture
async def hive(nats_server: NatsServer, nats_bus: NatsBus, database_url: str, tmp_path: Path) -> AsyncIterator[Hive]:
    hive = Hive(nats_server, nats_bus, database_url)
    coordinator = hive.start_coordinator(data_dir=tmp_path)
    await hive.leading()
    yield hive
    await hive.stop(coordinator)


@pytest.fixture
async def gui(hive: Hive, nats_server: NatsServer, provider: OidcProvider, tmp_path: Path) -> AsyncIterator[GuiProcess]:
    settings = {"HIVE_OIDC_ISSUER": provider.url, "HIVE_OIDC_CLIENT_SECRET": "a-secret", "HIVE_OIDC_DOMAINS": "hive.example"}
    gui = GuiProcess(tmp_path, nats_server.url_of(GUI), settings | MAPPED)
    try:
        await gui.start()
        yield gui
    finally:
        gui.kill()


async def test_a_person_signs_in_at_the_provider(hive: Hive, gui: GuiProcess, provider: OidcProvider) -> None:
    await provider.knows("42", preferred_username="bob", email="bob@hive.example", **VERIFIED)
    async with AsyncExitStack() as stack:
        browser, other = [await stack.enter_async_context(httpx.AsyncClient(timeout=30)) for _ in range(2)]
        await browser.get(f"{gui.url}/login?next=/tasks")
        assert [*(gui.folder / "gui").glob("storage-*")] == [], "of who has no login nothing is kept"
        start = f"{gui.url}/login/oidc"
        asked = parse_qs(urlsplit((await browser.get(start)).headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert len(asked["code_challenge"][0]) == 43
        assert asked["nonce"]
        assert asked["redirect_uri"] == [f"{gui.url}/login/oidc/callback"]

        back = await provider.vouch(browser, start, "42")
        await other.get(f"{gui.url}/login")
        stolen = await other.get(back)
        assert stolen.headers["location"] == "/login?refused=unauthenticated", "a state is its own browser's"
        assert (await browser.get(back)).headers["location"] == "/"
        assert (await browser.get(f"{gui.url}/")).status_code == 200
        assert (await browser.get(back)).headers["location"] == "/login?refused=unauthenticated", "a code is good once"
        assert (await other.get(f"{gui.url}/")).headers["location"] == "/login"

        [bob] = (await hive.ask("list", NoReply(), UserList, service="users")).users
        assert (bob.name, bob.oidc_issuer, bob.has_password, [*bob.roles]) == ("bob", provider.url, False, ["viewer"])
        await hive.ask("disable", UserRef(name="bob"), UserRecord, service="users")
        assert (await browser.get(f"{gui.url}/")).headers["location"] == "/login"
        again = await provider.vouch(browser, f"{start}?next=/tasks%3Fstatus%3Dfailed", "42")
        refused = (await browser.get(again)).headers["location"]
        assert refused == "/login?refused=user_disabled&next=/tasks%3Fstatus%3Dfailed"
        await hive.ask("enable", UserRef(name="bob"), UserRecord, service="users")
        again = await provider.vouch(browser, f"{start}?next=/tasks%3Fstatus%3Dfailed", "42")
        assert (await browser.get(again)).headers["location"] == "/tasks?status=failed"
        await hive.ask("disable", UserRef(name="bob"), UserRecord, service="users")
        assert "disabled" in (await browser.get(f"{gui.url}/login?refused=user_disabled")).text
    await _not_by_that_alone(hive, gui, provider)
    assert "a-secret" not in gui.log


async def _not_by_that_alone(hive: Hive, gui: GuiProcess, provider: OidcProvider) -> None:
    """Whom the provider vouches for needs a role here, and an address that it has verified."""
    people = {
        "elsewhere": {"email": "eve@elsewhere.example", **VERIFIED},
        "unverified": {"email": "eve@hive.example", **VERIFIED, "email_verified": False},
        "no-role": {"email": "eve@hive.example", "email_verified": True, "groups": ["admin"]},
        "nobody": {},
    }
    async with httpx.AsyncClient(timeout=30) as browser:
        for subject, said in people.items():
            await provider.knows(subject, **said)
            back = await provider.vouch(browser, f"{gui.url}/login/oidc", subject)
            assert (subject, (await browser.get(back)).headers["location"]) == (subject, "/login?refused=permission_denied")
        for made_up in ("?code=x&state=y", "?error=access_denied", ""):
            answer = await browser.get(f"{gui.url}/login/oidc/callback{made_up}")
            assert answer.headers["location"] == "/login?refused=unauthenticated"
    assert [user.name for user in (await hive.ask("list", NoReply(), UserList, service="users")).users] == ["bob"]
