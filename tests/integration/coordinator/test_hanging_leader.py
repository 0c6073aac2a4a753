"""A leader that hangs, or that the bus or PostgreSQL does not reach any more, keeps its lock; another leads all the same."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from coordinator.leading import term
from coordinator.leading.leader import LEADER_LOCK, SILENT_SECONDS
from coordinator.leading.loading import load
from coordinator.leading.state import State
from coordinator.store.database import Statements
from deploy.local.postgres import SOCKET_NAME
from tests.integration.coordinator.conftest import Hive
from tests.parts.nats import NatsServer
from tests.parts.proxy import Proxy

pytestmark = pytest.mark.slow

TAKEOVER_SECONDS = 4


@pytest.fixture
async def bus_line(nats_server: NatsServer) -> AsyncIterator[Proxy]:
    proxy = Proxy.to_port(nats_server.port)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
async def database_line(database_url: str) -> AsyncIterator[Proxy]:
    host = parse_qs(urlsplit(database_url).query)["host"][0]
    proxy = Proxy.to_socket(f"{host}/{SOCKET_NAME}")
    await proxy.start()
    yield proxy
    await proxy.close()


async def epoch(hive: Hive) -> int:
    [row] = await hive.sql("SELECT epoch FROM leadership")
    return int(row["epoch"])


async def taken_over(hive: Hive, before: int) -> None:
    """Until another one leads. Asked of the record: on the bus the old one is still there, and silent."""
    async with asyncio.timeout(TAKEOVER_SECONDS):
        while await epoch(hive) == before:
            await asyncio.sleep(0.05)


async def with_a_rival(hive: Hive, **line: SecretStr) -> int:
    """The coordinator of the fixture makes way for one at the end of the line; another stands by. The epoch."""
    [first] = hive.coordinators
    await hive.stop(first)
    hive.start_coordinator(**line)
    await hive.leading()
    hive.start_coordinator()
    await stands_by(hive)
    return await epoch(hive)


async def stands_by(hive: Hive) -> None:
    async with asyncio.timeout(TAKEOVER_SECONDS):
        while not await hive.sql(
            "SELECT FROM pg_stat_activity WHERE application_name = 'hive: stands by' AND datname = current_database()"
        ):
            await asyncio.sleep(0.05)


async def test_a_lock_whose_session_is_not_used_any_more_is_taken(hive: Hive) -> None:
    """As of a process that was stopped: the session is there, and silent."""
    [first] = hive.coordinators
    await hive.stop(first)
    hanging = await hive.database()
    await hanging.execute("SELECT pg_advisory_lock($1)", LEADER_LOCK)
    hive.start_coordinator()
    async with asyncio.timeout(TAKEOVER_SECONDS):
        await hive.leading()
    assert hanging.is_closed()


async def test_a_lock_whose_session_is_used_is_left_alone(hive: Hive) -> None:
    [first] = hive.coordinators
    await hive.stop(first)
    working = await hive.database()
    await working.execute("SELECT pg_advisory_lock($1)", LEADER_LOCK)
    hive.start_coordinator()
    await stands_by(hive)
    for _ in range(int(2 * SILENT_SECONDS / 0.5)):
        await working.execute("SELECT pg_sleep(0.5)")
    assert await working.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()") == 1


async def test_a_leader_that_the_bus_does_not_reach_gives_way_to_one_that_it_does(
    hive: Hive, bus_line: Proxy, nats_server: NatsServer
) -> None:
    url = nats_server.url.replace(str(nats_server.port), str(bus_line.port))
    before = await with_a_rival(hive, nats_url=SecretStr(url))
    bus_line.freeze()
    await taken_over(hive, before)


async def test_a_leader_that_does_not_reach_postgresql_any_more_is_replaced(
    hive: Hive, database_line: Proxy, database_url: str
) -> None:
    name = urlsplit(database_url).path
    url = f"postgresql://hive@127.0.0.1:{database_line.port}{name}?sslmode=disable"
    before = await with_a_rival(hive, database_url=SecretStr(url))
    database_line.freeze()
    await taken_over(hive, before)


async def test_a_leader_without_a_rival_waits_for_its_bus(hive: Hive, bus_line: Proxy, nats_server: NatsServer) -> None:
    [first] = hive.coordinators
    await hive.stop(first)
    hive.start_coordinator(nats_url=SecretStr(nats_server.url.replace(str(nats_server.port), str(bus_line.port))))
    await hive.leading()
    before = await epoch(hive)
    bus_line.cut()
    # Twice as long as one with a rival would hold on, by PostgreSQL's clock.
    await hive.sql("SELECT pg_sleep(3)")
    bus_line.heal()
    await hive.leading()
    assert await epoch(hive) == before


async def test_a_leader_that_reads_for_longer_than_a_hanging_one_is_waited_for_keeps_its_lock(
    hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else leaders with much to read would end each other in turn, and none would ever lead."""
    [first] = hive.coordinators
    await hive.leading()

    async def read_slowly(state: State, statements: Statements) -> None:
        await asyncio.sleep(SILENT_SECONDS + 1.5)
        await load(state, statements)

    monkeypatch.setattr(term, "load", read_slowly)
    await hive.stop(first)
    before = await epoch(hive)
    for _ in range(2):
        hive.start_coordinator()
    await hive.leading()
    assert await epoch(hive) == before + 1
