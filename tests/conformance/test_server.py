"""The official suite against the door as it is, on a real bus, with what the suite asks for by name beside Hive's own.

`make mcp-conformance` fetches the suite and runs this. The suite knows no keys, so one is added to what it sends.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.server.lowlevel import Server as McpServer
from starlette.types import ASGIApp, Receive, Scope, Send

from bus import auth, subjects
from bus.messages import Claims, Role
from bus.nats_bus import NatsBus
from coordinator.gateway.app import create_app
from coordinator.gateway.gateway import Gateway, open_gateway
from coordinator.gateway.mcp.endpoint import open_mcp
from coordinator.gateway.mcp.feed import Feed
from coordinator.gateway.mcp.server import build
from coordinator.gateway.server import Server, listen
from coordinator.gateway.settings import GatewaySettings
from tests.conformance.named import add_named
from tests.conformance.npm import SUITE, fetched, run

KEY = "sk-hive-conformance"

pytestmark = fetched


class WithKey:
    """ASGI: shows the key on behalf of a client that cannot."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], (b"x-api-key", KEY.encode())]
        await self._app(scope, receive, send)


def with_named(gateway: Gateway, feed: Feed) -> McpServer[Any]:
    server = build(gateway, feed)
    add_named(server)
    return server


@pytest.fixture
async def url(nats_bus: NatsBus) -> AsyncIterator[str]:
    await nats_bus.put(subjects.KV_KEYS, auth.hash_key(KEY), Claims(sub="suite", roles=(Role.ADMIN,)))
    settings, listener, stop = GatewaySettings(), listen("127.0.0.1", 0), asyncio.Event()

    async def serve() -> None:
        async with open_gateway(nats_bus, settings) as gateway, open_mcp(gateway, with_named) as mcp:
            app: Any = WithKey(create_app(gateway, mcp))
            server = Server(app, settings, gateway.stop)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            await stop.wait()
            server.should_exit = True
            await serving

    serving = asyncio.create_task(serve())
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    stop.set()
    await serving


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_every_active_scenario_passes(url: str, tmp_path: Path) -> None:
    rc, *said = await run(SUITE, "server", "--url", url, "--suite", "all", "--output-dir", str(tmp_path), folder=tmp_path)
    print(*said)
    found = re.search(r"Total: (\d+) passed, (\d+) failed", "".join(said))
    assert found is not None
    assert (rc, int(found[2])) == (0, 0)
    assert int(found[1]) > 30
