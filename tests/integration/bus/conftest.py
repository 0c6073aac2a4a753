"""A bus at the end of a line that can be cut and frozen, and one with a leaf."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bus.client import Received
from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from tests.parts.hosts import JoinedHost, admitting, know
from tests.parts.leaf import Hub, Leaf
from tests.parts.nats import NatsServer
from tests.parts.proxy import Proxy

WALNUT, OAK = JoinedHost("walnut"), JoinedHost("oak")
"""Known to the hive of a leaf."""


@pytest.fixture
async def line(nats_server: NatsServer) -> AsyncIterator[Proxy]:
    proxy = Proxy.to_port(nats_server.port)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
async def distant_bus(nats_server: NatsServer, line: Proxy) -> AsyncIterator[NatsBus]:
    url = nats_server.url.replace(str(nats_server.port), str(line.port))
    bus = await NatsBus.connect(HiveSettings(nats_url=SecretStr(url)), "distant", timeout=10)
    yield bus
    line.heal()
    await bus.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    found = Hub(tmp_path / "hub")
    found.start()
    yield found
    found.kill()


@pytest.fixture
def leaf(tmp_path: Path, hub: Hub) -> Iterator[Leaf]:
    found = Leaf(tmp_path / "leaf", hub.leaf_port)
    found.start()
    yield found
    found.kill()


@pytest.fixture
async def operator(hub: Hub) -> AsyncIterator[NatsBus]:
    found = await hub.connect()
    await know(found, WALNUT, OAK)
    yield found
    await found.close()


@pytest.fixture
async def coordinator(hub: Hub, operator: NatsBus) -> AsyncIterator[NatsBus]:
    """It lets hosts in."""
    admits, found = await admitting(hub)
    yield found
    await admits.close()
    await found.close()


async def listening(bus: NatsBus, subject: str) -> asyncio.Queue[Received]:
    heard: asyncio.Queue[Received] = asyncio.Queue()

    async def take(received: Received) -> None:
        heard.put_nowait(received)

    await bus.subscribe(subject, take)
    await bus.flush()
    return heard
