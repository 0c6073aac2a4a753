"""MCP servers by REST and by the command line."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess, GatewayProcess
from tests.integration.workflow.parts import EngineProcess
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

SECRET = "correct-horse/battery+staple"
TIME = {"transport": "stdio", "command": sys.executable, "args": ["-m", "mcp_server_time"], "env": {"TOKEN": SECRET}}


async def test_by_rest(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> None:
    with (
        EngineProcess(nats_server, tmp_path, database_url) as engine,
        CoordinatorProcess(nats_server, tmp_path, database_url),
        GatewayProcess(nats_server, tmp_path) as gateway,
    ):
        await engine.ready(nats_bus)
        await gateway.answers("/healthz", 90)
        async with gateway.client() as client:
            async with asyncio.timeout(90):
                while (await client.get("/api/mcp-servers")).status_code != 200:
                    await asyncio.sleep(0.05)
            shown = await _by_rest(client)
        shown += [gateway.log.read_text(), engine.log.read_text()]
    assert not [text for text in shown if SECRET in text]


async def _by_rest(client: AsyncClient) -> list[str]:
    """What the door answered."""
    answers = [made := await client.post("/api/mcp-servers", json={"name": "time", **TIME})]
    assert (made.status_code, made.json()["env_names"]) == (201, ["TOKEN"])
    where = made.headers["location"]
    answers += [again := await client.post("/api/mcp-servers", json={"name": "time", **TIME})]
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    socket = {"name": "ws", "transport": "streamable_http", "endpoint": "ws://x.example/mcp"}
    answers += [refused := await client.post("/api/mcp-servers", json=socket)]
    assert (refused.status_code, refused.json()["code"]) == (422, "unsupported_mcp_transport")
    answers += [odd := await client.post("/api/mcp-servers", json={"name": "odd", **TIME, "headers": {"X": SECRET}})]
    assert (odd.status_code, odd.json()["code"]) == (422, "invalid_request")
    file = {"mcpServers": {"other": {"url": "https://x.invalid/mcp", "headers": {"X-Key": SECRET}}, "ws": {"url": "ws://x"}}}
    answers += [loaded := await client.post("/api/mcp-servers/import", json=file)]
    assert {each["name"]: each["code"] for each in loaded.json()["entries"]} == {
        "other": None,
        "ws": "unsupported_mcp_transport",
    }
    async with asyncio.timeout(90):
        while (found := (await client.get(where)).json())["status"] != "connected":
            await asyncio.sleep(0.1)
    assert "get_current_time" in [tool["name"] for tool in found["tools"]]
    answers += [off := await client.put(where, json={**TIME, "active": False}), await client.get("/api/mcp-servers")]
    assert (off.status_code, off.json()["status"]) == (200, "inactive")
    assert (await client.delete(where)).status_code == 204
    answers += [gone := await client.get(where)]
    assert (gone.status_code, gone.json()["code"]) == (404, "mcp_server_not_found")
    return [*(answer.text for answer in answers), json.dumps(found)]


async def test_the_command_line(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> None:
    shown: list[str] = []

    async def hive(*words: str, given: Any = None, rc: int = 0) -> str:
        environment = {
            "NATS_URL": nats_server.url,
            "HIVE_DATA_DIR": str(tmp_path / "cli"),
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "300",
        }
        command = [str(Path(sys.executable).with_name("hive")), "mcp-server", *words]
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
            check=False,
        )
        shown.append(done.stdout + done.stderr)
        assert done.returncode == rc, shown[-1]
        return shown[-1]

    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        await hive("add", "time", "--secrets", "-", "--", sys.executable, "-m", "mcp_server_time", given={"TOKEN": SECRET})
        told = await hive(
            "import", "-", given={"servers": {"ws": {"endpoint": "ws://x/mcp"}, "code": {"endpoint": "http://x/mcp"}}}, rc=1
        )
        assert "stored   code" in told
        assert "unsupported_mcp_transport" in told
        async with asyncio.timeout(90):
            while "get_current_time" not in await hive("show", "time"):
                await asyncio.sleep(0.1)
        listed = json.loads(await hive("list", "--json"))["servers"]
        assert {each["name"]: each["transport"] for each in listed} == {"code": "streamable_http", "time": "stdio"}
        await hive("remove", "time")
        assert "mcp_server_not_found" in await hive("remove", "time", rc=1)
    assert not [text for text in shown if SECRET in text]
