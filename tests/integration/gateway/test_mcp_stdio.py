"""`hive mcp`, as an assistant starts it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from mcp import Client, ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from tests.integration.gateway.conftest import Hive
from tests.parts.mcp import Told, given, text_of
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow  # each starts a process that reads the whole door
HIVE = str(Path(sys.executable).parent / "hive")
HELLO = {"prompt": "Say hello.", "model": "instant:1b", "wait_seconds": 30}


def started(server: NatsServer, folder: Path, key: str) -> StdioServerParameters:
    env = {"NATS_URL": server.url, "HIVE_DATA_DIR": str(folder), "HIVE_KEY": key}
    return StdioServerParameters(command=HIVE, args=["mcp"], env=env)


async def key_of(hive: Hive, owner: str, role: str = "developer") -> dict[str, str]:
    async with hive.gateway.client() as admin:
        made = (await admin.post("/api/keys", json={"owner": owner, "role": role})).json()
        return {"key": made["key"], "id": made["record"]["id"]}


async def test_an_assistant_that_starts_it_has_the_tools_of_its_key(
    hive: Hive, nats_server: NatsServer, tmp_path: Path
) -> None:
    anna = await key_of(hive, "anna")
    parameters = started(nats_server, tmp_path, anna["key"])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write, message_handler=Told()) as client:
        begun = await client.initialize()
        assert begun.capabilities.tools is not None
        assert begun.capabilities.tools.list_changed
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"submit_task", "list_agents"} <= names
        task = given(await client.call_tool("submit_task", HELLO))
        assert (task["owner"], task["output"]["text"]) == ("anna", "Hello there.")
        async with hive.gateway.client() as admin:
            assert (await admin.get(f"/api/tasks/{task['id']}")).json()["owner"] == "anna"
            await admin.delete(f"/api/keys/{anna['id']}")
        with pytest.raises(MCPError, match="revoked"):
            await client.list_tools()
        refused = await client.call_tool("submit_task", HELLO)
        assert (refused.structured_content["code"], "revoked" in text_of(refused)) == ("unauthenticated", True)


async def test_it_speaks_the_version_without_handshake(hive: Hive, nats_server: NatsServer, tmp_path: Path) -> None:
    vera = await key_of(hive, "vera", "viewer")
    async with Client(stdio_client(started(nats_server, tmp_path, vera["key"]))) as client:
        assert client.protocol_version == "2026-07-28"
        assert given(await client.call_tool("list_agents", {}))["agents"][0]["agent_id"] == "acacia"
        refused = await client.call_tool("submit_task", HELLO)
        assert refused.structured_content["code"] == "permission_denied"


@pytest.mark.parametrize("key", ["sk-hive-nobody", ""])
async def test_without_a_key_that_holds_it_says_why_and_ends(
    hive: Hive, nats_server: NatsServer, tmp_path: Path, key: str
) -> None:
    env = {**os.environ, "NATS_URL": nats_server.url, "HIVE_DATA_DIR": str(tmp_path), "HIVE_KEY": key}
    process = await asyncio.create_subprocess_exec(HIVE, "mcp", env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(60):
        out, said = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert b"error [unauthenticated]" in said
