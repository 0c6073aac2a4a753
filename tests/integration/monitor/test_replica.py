"""History is read of a real streaming replica while that is young enough, and of the primary otherwise."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import asyncpg
import pytest

from bus.database import migrate_by, open_pool
from bus.errors import DatabaseUnavailable
from bus.together import end
from monitor.replica import Reading, reading
from monitor.sql import migrations, queries
from tests.conftest import folder_for_others
from tests.parts.postgres import PostgresServer

LAG_SECONDS = 3.0
WHO = "SELECT pg_is_in_recovery() AS replica"


@pytest.fixture
def replica(own_postgres: PostgresServer) -> Iterator[PostgresServer]:
    """Streams from the primary."""
    with folder_for_others("replica") as folder:
        server = PostgresServer(folder)
        server.follow(own_postgres)
        server.start()
        yield server
        server.stop()


@pytest.fixture
async def primary(own_postgres: PostgresServer) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(own_postgres.url, migrations(), "monitor_migrations")
    pool = await open_pool(own_postgres.url, 3)
    yield pool
    pool.terminate()


async def asked_of_replica(read: Reading) -> bool:
    return bool((await read.all("who"))[0]["replica"])


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_replica_is_read_while_it_is_young_and_the_primary_otherwise(
    own_postgres: PostgresServer, primary: asyncpg.Pool, replica: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.replica.AGAIN_SECONDS", 0.2)
    monkeypatch.setitem(queries(), "who", WHO)
    async with reading(primary, replica.url, LAG_SECONDS) as read:
        assert not await asked_of_replica(read)  # nobody has said how old it is
        beating = asyncio.create_task(read.beat())
        try:
            await eventually(lambda: asked_of_replica(read))
            await replica.execute("SELECT pg_wal_replay_pause()")
            await eventually(lambda: negated(asked_of_replica(read)))
            await replica.execute("SELECT pg_wal_replay_resume()")
            await eventually(lambda: asked_of_replica(read))
            replica.kill()
            assert not await asked_of_replica(read)
            await replica.come_up()
            await eventually(lambda: asked_of_replica(read))
        finally:
            await end([beating])
        own_postgres.kill()
        assert await asked_of_replica(read)  # young still: the primary's absence harms no reader
        with pytest.raises(DatabaseUnavailable):
            await eventually(lambda: negated(asked_of_replica(read)))


async def negated(answer: Awaitable[bool]) -> bool:
    return not await answer
