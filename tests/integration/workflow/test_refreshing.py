"""Tokens of OAuth 2 in one engine: what a provider gave is kept, whoever stops waiting for it, and sent to nobody else."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from bus.database import migrate_by, open_pool
from bus.errors import CredentialNotFound, RequestRefused
from bus.messages import Claims, Role
from bus.messages.credentials import ChangeCredential, ConnectCredential, ConnectReturn, CreateCredential
from bus.together import end
from bus.vault import Vault
from tests.integration.workflow.authority import SECRET, Authority, query
from workflow.core.effects import CallHttp
from workflow.credentials.connecting import Connecting
from workflow.credentials.oauth import Tokens
from workflow.credentials.oauth_requests import MAX_TOKEN, Token, token_of
from workflow.credentials.store import Credentials, Opened
from workflow.credentials.token_store import MOST_CONNECTS, TokenStore
from workflow.outside import http_calls
from workflow.outside.guard import Guard
from workflow.outside.http_calls import HttpCalls
from workflow.sql import migrations

ANNA, BERT = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bert"))
OLD = Token(access="a-token-that-has-expired", refresh="the-first-refresh-token", seconds=1)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(database_url, migrations(), "workflow_migrations")
    pool = await open_pool(database_url, 3)
    yield pool
    await pool.close()


@pytest.fixture
async def tokens(pool: asyncpg.Pool, tmp_path: Path) -> AsyncIterator[Tokens]:
    http = HttpCalls(Guard.of(["127.0.0.1"]), 1024 * 1024)
    yield Tokens(http, TokenStore(pool, Vault(tmp_path / "key")))
    await http.close()


async def connected(
    pool: asyncpg.Pool, tokens: Tokens, authority: Authority, folder: Path, owner: Claims = ANNA, **more: str
) -> Opened:
    """One whose access token is too old, and whose refresh token the provider takes."""
    store = Credentials(pool, Vault(folder / "key"))
    made = await store.create(CreateCredential(name="mine", type="oAuth2Api", data=authority.data(**more)), owner)
    credential = await store.opened(made.id, owner)
    assert await tokens.store.connected(credential, OLD)
    authority.rules.refresh.add(str(OLD.refresh))
    return credential


async def test_what_a_provider_gave_is_kept_when_who_asked_is_stopped(
    pool: asyncpg.Pool, tokens: Tokens, tmp_path: Path
) -> None:
    async with Authority() as authority:
        credential = await connected(pool, tokens, authority, tmp_path)
        authority.held.clear()
        stopped = asyncio.create_task(tokens.of(credential, "one"))
        async with asyncio.timeout(30):
            while not authority.token_requests:
                await asyncio.sleep(0.02)
        await end([stopped])
        authority.held.set()
        async with asyncio.timeout(30):
            assert await tokens.of(credential, "two") in authority.rules.access
        assert [each["refresh_token"] for each in authority.token_requests] == [OLD.refresh]


async def test_a_refresh_token_that_a_provider_gives_again_is_kept(pool: asyncpg.Pool, tokens: Tokens, tmp_path: Path) -> None:
    async with Authority() as authority:
        authority.rules.rotates = False
        credential = await connected(pool, tokens, authority, tmp_path)
        first = await tokens.of(credential, "one")
        second = await tokens.of(credential, "two", refused=first)
        assert second in authority.rules.access
        assert [each["refresh_token"] for each in authority.token_requests] == [OLD.refresh, OLD.refresh]


async def test_what_is_said_of_a_refusal_has_no_secret(pool: asyncpg.Pool, tokens: Tokens, tmp_path: Path) -> None:
    async with Authority() as authority:
        credential = await connected(
            pool, tokens, authority, tmp_path, accessTokenUrl=f"{authority.url}/repeats?key=a-secret-key"
        )
        with pytest.raises(RequestRefused) as refused:
            await tokens.of(credential, "one")
        assert "invalid_client" in refused.value.message
        assert f"{authority.url}/repeats gave no token" in refused.value.message
        for secret in (SECRET, str(OLD.refresh), "a-secret-key"):
            assert secret not in refused.value.message


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_a_token_without_measure_is_none(name: str) -> None:
    body = json.dumps({"access_token": "x", "refresh_token": "y", name: "z" * (MAX_TOKEN + 1)})
    with pytest.raises(RequestRefused, match="is no token"):
        token_of({"status": 200, "body": body}, "https://provider.example/token?x=y")


async def test_what_a_browser_brought_is_for_what_the_credential_was_when_it_was_begun(
    pool: asyncpg.Pool, tokens: Tokens, tmp_path: Path
) -> None:
    async with Authority() as authority, Authority() as elsewhere:
        credential = await connected(pool, tokens, authority, tmp_path)
        store = Credentials(pool, Vault(tmp_path / "key"))
        connecting = Connecting(store, tokens, "https://hive.example", "http://127.0.0.1:1")
        urls = [(await connecting.begin(ConnectCredential(id=credential.id), ANNA)).url for _ in range(MOST_CONNECTS + 2)]
        assert await pool.fetchval("SELECT count(*) FROM credential_connects") == MOST_CONNECTS
        assert query(urls[0])["redirect_uri"] == "https://hive.example/oauth2/callback"
        assert await tokens.store.take(query(urls[0])["state"]) is None  # the oldest
        begun = await tokens.store.take(query(urls[-1])["state"])
        assert begun is not None
        change = ChangeCredential(id=credential.id, data={"accessTokenUrl": f"{elsewhere.url}/token"})
        await store.change(change, ANNA)  # just after the state was taken
        with pytest.raises(CredentialNotFound, match="was changed"):
            await connecting._exchanged(begun, ConnectReturn(state="x", code="the-code"))
        assert not elsewhere.token_requests


async def test_a_server_of_tokens_that_hangs_holds_up_its_owner_alone(
    pool: asyncpg.Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_calls, "MOST_OF_ONE", 1)
    http = HttpCalls(Guard.of(["127.0.0.1"]), 1024 * 1024)
    tokens = Tokens(http, TokenStore(pool, Vault(tmp_path / "key")))
    async with Authority() as hanging, Authority() as other:
        first = await connected(pool, tokens, hanging, tmp_path)
        second = await connected(pool, tokens, other, tmp_path, BERT)
        hanging.held.clear()
        waits = asyncio.create_task(tokens.of(first, "one"))
        async with asyncio.timeout(20):
            while not hanging.token_requests:
                await asyncio.sleep(0.02)
            assert await tokens.of(second, "two") in other.rules.access
            own = CallHttp(key="k", method="GET", url=f"{other.url}/guarded")
            assert (await http.carry_out(own, owner="anna")).failure is None
        hanging.held.set()
        await waits
    await http.close()
