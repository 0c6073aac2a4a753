"""Servers of other people's, by each transport: registered, listed, and called by nodes of workflows. (Those of PyPI: test_mcp_servers.py.)"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from httpx import AsyncClient

from bus.nats_bus import NatsBus
from deploy.local.ports import free_port
from tests.conformance.npm import EVERYTHING, FILESYSTEM, NODE, fetched
from tests.integration.workflow.doors import doors, given, saved
from tests.integration.workflow.parts import chain, node
from tests.parts.nats import NatsServer

pytestmark = fetched

SECONDS = 90


def stdio(script: str, *words: str) -> dict[str, Any]:
    return {"transport": "stdio", "command": NODE, "args": [script, *words]}


@contextmanager
def everything(transport: str) -> Iterator[int]:
    """Its port. `transport`: in its own words."""
    port = free_port()
    process = subprocess.Popen([NODE, EVERYTHING, transport], env={**os.environ, "PORT": str(port)}, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def hive(bus: NatsBus, server: NatsServer, database_url: str, folder: Path) -> AsyncIterator["Bridge"]:
    async with doors(bus, server, database_url, folder) as client:
        yield Bridge(client)


class Bridge:
    """By REST."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def register(self, name: str, **wish: Any) -> set[str]:
        """Names of its tools, once it is connected."""
        made = await self._client.post("/api/mcp-servers", json={"name": name, **wish})
        assert made.status_code == 201, made.text
        async with asyncio.timeout(SECONDS):
            while (found := (await self._client.get(f"/api/mcp-servers/{name}")).json())["status"] != "connected":
                await asyncio.sleep(0.05)
        return {tool["name"] for tool in found["tools"]}

    async def call(self, server: str, tool: str, **arguments: Any) -> list[dict[str, Any]]:
        """Items that the tool's node gave, in a workflow that ran to its end."""
        called = {**node("Tool", "", arguments), "type": f"hive.mcp.{server}.{tool}"}
        made = await saved(self._client, chain(node("Start", "manualTrigger"), called, node("After", "noOp")), active=False)
        answer = await self._client.post(f"/api/workflows/{made}/execute", params={"wait": 25}, json={})
        assert answer.json()["status"] == "success", answer.text
        return await given(self._client, made, "After")


async def test_files_are_written_and_read_where_they_may_be(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    async with hive(nats_bus, nats_server, database_url, tmp_path) as bridge:
        assert {"write_file", "read_text_file"} <= await bridge.register("files", **stdio(FILESYSTEM, str(folder)))
        await bridge.call("files", "write_file", path=str(folder / "note.txt"), content="acacia")
        assert (folder / "note.txt").read_text() == "acacia"
        (read,) = await bridge.call("files", "read_text_file", path=str(folder / "note.txt"))
        assert "acacia" in str(read["json"])


async def test_everything_by_each_transport(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    async with hive(nats_bus, nats_server, database_url, tmp_path) as bridge:
        with everything("streamableHttp") as port, everything("sse") as older:
            ways: dict[str, dict[str, Any]] = {
                "piped": stdio(EVERYTHING, "stdio"),
                "streamable": {"transport": "streamable_http", "endpoint": f"http://127.0.0.1:{port}/mcp"},
                "older": {"transport": "sse", "endpoint": f"http://127.0.0.1:{older}/sse"},
            }
            for name, wish in ways.items():
                assert {"echo", "get-sum"} <= await bridge.register(name, **wish)
                (summed,) = await bridge.call(name, "get-sum", a=19, b=23)
                assert "42" in str(summed["json"])
                (binary,) = [each["binary"] for each in await bridge.call(name, "get-tiny-image") if "binary" in each]
                assert [each["mimeType"] for each in binary.values()] == ["image/png"]
