"""What is kept of MCP servers on a real PostgreSQL: how many, what is shown of an address, and what goes with one that is removed."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from bus.database import migrate_by, open_pool
from bus.errors import Conflict, McpServerFailed, TooManyMcpServers
from bus.messages import Claims, Role
from bus.messages.mcp_servers import McpTransport, ReplaceMcpServer
from bus.vault import Vault
from workflow.credentials.store import Credentials
from workflow.mcp.homes import sweep
from workflow.mcp.registry import Registry
from workflow.mcp.seen import MAX_TOOLS_BYTES, connected, failed
from workflow.sql import migrations

ANNA, BERT = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bert"))
ADMIN = Claims(sub="root", roles=(Role.ADMIN,))
TOKEN, PLACE = "token-of-the-query-0123", "token-of-the-path-4567"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(database_url, migrations(), "workflow_migrations")
    pool = await open_pool(database_url, 2)
    yield pool
    await pool.close()


@pytest.fixture
def registry(pool: asyncpg.Pool, tmp_path: Path) -> Registry:
    vault = Vault(tmp_path / "key")
    return Registry(pool, vault, Credentials(pool, vault), 2)


def wish(name: str, endpoint: str = "https://tools.example.org/mcp") -> ReplaceMcpServer:
    return ReplaceMcpServer(name=name, transport=McpTransport.STREAMABLE_HTTP, endpoint=endpoint)


async def test_an_owner_has_so_many_and_who_manages_all_has_any_number(registry: Registry) -> None:
    for name in ("a", "b"):
        await registry.register(name, wish(name), ANNA)
    with pytest.raises(TooManyMcpServers, match="HIVE_WORKFLOW_MCP_SERVERS"):
        await registry.register("c", wish("c"), ANNA)
    with pytest.raises(Conflict, match="registered already"):
        await registry.register("a", wish("a"), ANNA)
    document = {"mcpServers": {name: {"url": "https://tools.example.org/x"} for name in ("b", "d")}}
    assert [each.code for each in (await registry.load(document, ANNA)).entries] == [None, "too_many_mcp_servers"]
    await registry.register("c", wish("c"), BERT)
    for name in ("e", "f", "g"):
        await registry.register(name, wish(name), ADMIN)
    await registry.remove("a", ANNA)
    await registry.register("d", wish("d"), ANNA)


async def test_an_address_keeps_its_tokens_to_itself(registry: Registry, pool: asyncpg.Pool) -> None:
    endpoint = f"https://tools.example.org/s/{PLACE}/mcp?token={TOKEN}&flag"
    made = await registry.register("a", wish("a", endpoint), ANNA)
    own = f"https://tools.example.org/s/{PLACE}/mcp?token=**********&flag"
    assert made.endpoint == own
    assert [(await registry.get("a", each)).endpoint for each in (ANNA, ADMIN)] == [own, own]
    for shown in (await registry.get("a", BERT), *(await registry.list(BERT)).servers):
        assert shown.endpoint == "https://tools.example.org/…"
    server, _ = await registry.opened("a", "default")
    assert server.endpoint == endpoint
    assert TOKEN in server.secrets
    state = failed(server, McpServerFailed(f"404 Not Found for {endpoint}"))
    assert not {TOKEN, PLACE} & {word for word in (TOKEN, PLACE) if word in str(state.reason)}
    assert TOKEN not in str(await pool.fetch("SELECT * FROM mcp_servers"))


async def test_one_that_was_registered_before_addresses_were_sealed_is_reached_and_shown_no_more_of(
    registry: Registry, pool: asyncpg.Pool
) -> None:
    await registry.register("a", wish("a"), ANNA)
    old = f"https://tools.example.org/mcp?token={TOKEN}"
    sealed = registry._vault.seal(
        {"args": [], "env": {}, "headers": {}}, f"mcp server\x00{(await registry.get('a', ANNA)).id}\x00default"
    )
    await pool.execute("UPDATE mcp_servers SET endpoint = $1, key_id = $2, sealed = $3", old, *sealed)
    assert (await registry.opened("a", "default"))[0].endpoint == old
    assert (await registry.get("a", ANNA)).endpoint == "https://tools.example.org/mcp?token=**********"


async def test_what_a_server_lists_is_stored_whatever_it_says_and_bounded(registry: Registry) -> None:
    made = await registry.register("a", wish("a"), ANNA)
    odd = [{"name": "x", "description": "a\0b", "inputSchema": {"\0": ["c\0"]}}]
    assert await registry.save(made.id, 1, connected(odd, "ser\0ver", "1\0"))
    found = await registry.get("a", ANNA)
    assert (found.tools[0].description, found.tools[0].input_schema, found.server_name) == ("ab", {"": ["c"]}, "server")
    with pytest.raises(McpServerFailed, match="bytes of words and schemas"):
        connected([{"name": "x", "description": "y" * MAX_TOOLS_BYTES}])
    with pytest.raises(McpServerFailed, match="numbers"):
        connected([{"name": "x", "inputSchema": {"maximum": float("inf")}}])


async def test_the_home_of_a_server_goes_with_it(registry: Registry, tmp_path: Path) -> None:
    command = ReplaceMcpServer(name="x", transport=McpTransport.STDIO, command="cat", active=False)
    stays, goes = [await registry.register(name, command, ADMIN) for name in ("stays", "goes")]
    folder = tmp_path / "mcp"
    assert await sweep(folder, registry)
    for name in (stays.id, goes.id, uuid4(), "other"):
        (folder / str(name) / "inner").mkdir(parents=True)
    (folder / str(goes.id) / "login").write_text(TOKEN)
    await registry.remove("goes", ADMIN)
    assert await sweep(folder, registry)
    assert {each.name for each in folder.iterdir()} == {str(stays.id), "other"}
