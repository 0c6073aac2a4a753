"""Fixtures of every kind of test: real parts, started once a session, clean for each test."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis.asyncio
from hypothesis import HealthCheck, settings

from bus import streams
from bus.nats_bus import NatsBus
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer
from tests.parts.valkey import ValkeyServer

settings.register_profile("hive", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hive")  # how long an example takes is the machine's business

ORDER = ("unit", "contract", "integration", "e2e", "chaos")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick kinds first; within a kind the order stays random."""
    items.sort(key=kind)


def kind(item: pytest.Item) -> int:
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return ORDER.index(folder) if folder in ORDER else len(ORDER)


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
    """A connection to a server whose streams and buckets are empty. No service may have tried what its identity does not allow."""
    bus = await nats_server.connect()
    js = bus.client.jetstream()
    for config in (*streams.STREAMS, *streams.BUCKETS):
        await js.purge_stream(str(config.name))
    yield bus
    await bus.close()
    assert not nats_server.newly_refused()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the tests that leave it running; those that kill it start their own by `own_postgres`."""
    with folder_for_others("postgres") as folder:
        server = PostgresServer(folder, synced=False)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    with folder_for_others("postgres") as folder:
        server = PostgresServer(folder)
        server.start()
        yield server
        server.stop()


@contextmanager
def folder_for_others(name: str) -> Iterator[Path]:
    """Outside pytest's own temporary folder, which every new pytest closes to other users, such as the one PostgreSQL runs as."""
    with TemporaryDirectory(prefix=f"hive-{name}-") as folder:
        yield Path(folder)


@pytest.fixture
async def database_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """An empty database of the test's own."""
    async with postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def valkey_url(valkey: ValkeyServer) -> str:
    """The URL of an empty Valkey."""
    async with redis.asyncio.from_url(valkey.url) as client:
        await client.flushall()
    return valkey.url
