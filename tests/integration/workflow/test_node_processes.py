"""Processes of Node.js that run nodes of a package: what one node leaves behind is no other's business."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bus.database import migrate_by, open_pool
from bus.messages import Claims, Role
from bus.messages.credentials import CreateCredential
from bus.vault import Vault
from deploy.node_packages import Folder
from tests.integration.workflow.authority import Authority
from tests.integration.workflow.test_packages import PACKAGE, TOKEN
from workflow.core.effects import RunPackagedNode
from workflow.credentials.lending import Lending
from workflow.credentials.oauth_requests import Token
from workflow.credentials.store import Credentials
from workflow.credentials.token_store import TokenStore
from workflow.outside.guard import Guard
from workflow.outside.http_calls import HttpCalls
from workflow.packages import process
from workflow.packages.calls import PackagedCalls
from workflow.packages.installed import Installed
from workflow.running.fence import Fence
from workflow.sql import migrations

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None, reason="Node.js and npm are not on the PATH"
    ),
]


GUARD = Guard.of(["127.0.0.1"])
ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Folder(tmp_path_factory.mktemp("processes"))
    made.install(str(PACKAGE))
    return made.path


@pytest.fixture
async def calls(folder: Path) -> AsyncIterator[PackagedCalls]:
    made = PackagedCalls(Installed(folder), Guard.of(["127.0.0.1"]), "node", 60, 8 * 1024 * 1024, "http://127.0.0.1:1", Fence())
    yield made
    await made.close()


def calling(operation: str, item: dict[str, Any], **credentials: Any) -> RunPackagedNode:
    node = {"id": "1", "name": "Do", "type": "n8n-nodes-tried.doer", "typeVersion": 1, "position": [0, 0]}
    return RunPackagedNode(
        key="k",
        node=node,
        inputs=[[{"json": item}]],
        parameters=[{"operation": operation}],
        failed=[{}],
        credentials=credentials,
    )


async def ran(calls: PackagedCalls, operation: str, **opened: Any) -> Any:
    reply = await calls.carry_out(calling(operation, {}), opened, {})
    return reply.failure or reply.value["outputs"][0][0]["json"]


async def test_what_a_node_prints_is_no_answer(calls: PackagedCalls) -> None:
    for _ in range(2):
        assert await ran(calls, "print") == {"printed": True}


async def test_what_a_node_left_to_happen_ends_no_other_s_call(calls: PackagedCalls) -> None:
    first = await ran(calls, "late")
    second = await ran(calls, "linger")
    assert second["pid"] != first["pid"]
    third = await ran(calls, "linger")
    assert third["pid"] == second["pid"], "one that left nothing is kept"


async def test_memory_that_is_not_of_the_heap_is_bounded_too(calls: PackagedCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "BESIDE_BYTES", 0)
    failure = await ran(calls, "hoard")
    assert "allocation failed" in failure.message


async def test_a_redirect_to_another_origin_takes_no_credential_along(calls: PackagedCalls) -> None:
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        to = f"Location: {elsewhere}\r\n" if len(asked) == 1 else ""
        writer.write(f"HTTP/1.1 {302 if to else 200} S\r\n{to}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        writer.close()

    async with (
        await asyncio.start_server(serve, "127.0.0.1", 0) as one,
        await asyncio.start_server(serve, "127.0.0.1", 0) as two,
    ):
        url, elsewhere = (f"http://127.0.0.1:{each.sockets[0].getsockname()[1]}" for each in (one, two))
        assert await ran(calls, "led", triedApi={"url": url, "token": TOKEN}) == {"body": {}}
    assert [each.count(TOKEN) for each in asked] == [2, 0]


async def test_a_credential_of_no_service_goes_to_no_host_that_its_owner_does_not_allow(calls: PackagedCalls) -> None:
    owned = {"name": "x-key", "value": TOKEN, "allowedHttpRequestDomains": "domains", "allowedDomains": "api.example.org"}
    mine = {"url": "http://127.0.0.1:9", "token": TOKEN}
    failure = await ran(calls, "led", triedApi=mine, httpHeaderAuth=owned)
    assert (failure.code, "is not for 127.0.0.1" in failure.message) == ("request_refused", True)


async def test_one_owner_s_nodes_leave_places_to_others(calls: PackagedCalls) -> None:
    come, go = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        come.set()
        await go.wait()
        writer.write(b"HTTP/1.1 200 S\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        mine = {"triedApi": {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "token": TOKEN}}
        held = [asyncio.create_task(calls.carry_out(calling("led", {}), mine, {}, "anna")) for _ in range(process.MOST)]
        async with asyncio.timeout(50):
            await come.wait()
            assert (await calls.carry_out(calling("print", {}), {}, {}, "bert")).failure is None
        go.set()
        assert [each.failure for each in await asyncio.gather(*held)] == [None] * process.MOST


async def test_a_connected_credential_is_given_with_its_token(calls: PackagedCalls, database_url: str, tmp_path: Path) -> None:
    await migrate_by(database_url, migrations(), "workflow_migrations")
    pool, vault, http = await open_pool(database_url, 3), Vault(tmp_path / "key"), HttpCalls(GUARD, 1024 * 1024)
    store = Credentials(pool, vault)
    lending = Lending(store, TokenStore(pool, vault), http, GUARD, 1024 * 1024)
    lending.packaged = calls
    async with Authority() as authority:
        made = await store.create(CreateCredential(name="mine", type="triedOAuth2Api", data=authority.data()), ANNA)
        effect = calling("guarded", {"url": f"{authority.url}/guarded"}, triedOAuth2Api={"name": "mine"})
        failure = (await lending.package(effect, ANNA)).failure
        assert failure is not None
        assert "is not connected" in failure.message
        token = Token(access="a-token-that-has-expired", refresh="the-first-refresh-token", seconds=1)
        assert await lending.tokens.store.connected(await store.opened(made.id, ANNA), token)
        authority.rules.refresh.add("the-first-refresh-token")
        found = await lending.package(effect, ANNA)
        assert (found.failure, authority.guarded) == (None, [200, 200])
        assert not [each for each in authority.rules.given if each in str(found.value)]
        entered = {"oauthTokenData": {"access_token": authority.rules.given[0]}}
        await store.create(CreateCredential(name="entered", type="triedOAuth2Api", data=entered), ANNA)
        again = calling("guarded", {"url": f"{authority.url}/guarded"}, triedOAuth2Api={"name": "entered"})
        assert (await lending.package(again, ANNA)).failure is None
    await http.close()
    await pool.close()
