"""Fixtures of every kind of test: real parts, started once a session, clean for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bus import streams
from bus.nats_bus import NatsBus
from tests.parts.nats import NatsServer


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """One server for the tests that leave it running; those that kill it start their own by `own_nats_server`."""
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def nats_bus(nats_server: NatsServer) -> AsyncIterator[NatsBus]:
    """A connection to a server whose streams and buckets are empty."""
    bus = await nats_server.connect()
    js = bus.client.jetstream()
    for config in streams.STREAMS:
        await js.purge_stream(str(config.name))
    for bucket in streams.BUCKETS:
        await js.purge_stream(f"KV_{bucket.name}")
    yield bus
    await bus.close()
