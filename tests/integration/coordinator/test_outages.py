"""The parts below go away and come back: what was acknowledged is done, and what runs is not begun anew."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bus.errors import DatabaseUnavailable
from bus.messages import TaskStatus
from bus.nats_bus import NatsBus
from bus.nats_streams import declared
from deploy.local.ports import free_port
from tests.integration.coordinator.conftest import Hive
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer


@pytest.fixture
async def on_own_postgres(nats_server: NatsServer, nats_bus: NatsBus, own_postgres: PostgresServer) -> AsyncIterator[Hive]:
    hive = Hive(nats_server, nats_bus, own_postgres.url)
    hive.start_coordinator()
    yield hive
    await hive.close()


@pytest.fixture
async def on_own_nats(own_nats_server: NatsServer, database_url: str) -> AsyncIterator[Hive]:
    bus = await own_nats_server.connect()
    hive = Hive(own_nats_server, bus, database_url)
    hive.start_coordinator()
    yield hive
    await hive.close()
    await bus.close()


async def test_while_postgresql_is_away_submits_are_acknowledged_work_goes_on_and_reports_wait(
    on_own_postgres: Hive, own_postgres: PostgresServer
) -> None:
    hive = on_own_postgres
    sidecar = await hive.sidecar("acacia")
    running = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(running, TaskStatus.RUNNING)
    own_postgres.kill()
    await sidecar.complete(offer)
    submitted = await hive.submit()
    with pytest.raises(DatabaseUnavailable):
        await hive.until(running, lambda _record: False)  # once the leader has stepped down
    known = await hive.call("get", submitted)
    assert (known.status.terminal, known.prompt) == (False, "Say hello")
    await asyncio.to_thread(own_postgres.start)
    second = await sidecar.offered(20)
    assert second.task_id == submitted
    await sidecar.complete(second)
    for task_id in (running, submitted):
        record = await hive.ended(task_id)
        assert (record.status, len(record.attempts)) == (TaskStatus.COMPLETED, 1)


async def test_a_coordinator_waits_for_a_postgresql_that_is_not_there_yet(
    nats_server: NatsServer, nats_bus: NatsBus, own_postgres: PostgresServer
) -> None:
    own_postgres.kill()
    hive = Hive(nats_server, nats_bus, own_postgres.url)
    hive.start_coordinator()
    task_id = await hive.submit()
    await asyncio.to_thread(own_postgres.start)
    sidecar = await hive.sidecar("acacia")
    assert (await sidecar.offered()).task_id == task_id
    await hive.close()


async def test_a_turn_that_postgresql_breaks_off_is_done_again(hive: Hive) -> None:
    """For a reason of its own, such as an administrator's word or a deadlock: nothing is wrong with what was to be written."""
    sidecar = await hive.sidecar("acacia")
    connection = await hive.database()
    async with connection.transaction():
        await connection.execute("SELECT FROM leadership FOR UPDATE")
        task_id = await hive.submit()
        async with asyncio.timeout(10):
            while not await hive.sql(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.02)
    await sidecar.complete(await sidecar.offered())
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED


async def test_a_restart_of_nats_loses_nothing_and_begins_nothing_anew(on_own_nats: Hive, own_nats_server: NatsServer) -> None:
    hive = on_own_nats
    sidecar = await hive.sidecar("acacia")
    running, waiting = await hive.submit(), await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(running, TaskStatus.RUNNING)
    own_nats_server.kill()
    await asyncio.to_thread(own_nats_server.start)
    await sidecar.complete(offer)
    second = await sidecar.offered(20)
    assert second.task_id == waiting
    await sidecar.complete(second)
    for task_id in (running, waiting):
        record = await hive.ended(task_id)
        assert (record.status, len(record.attempts)) == (TaskStatus.COMPLETED, 1)


@pytest.mark.slow
async def test_after_a_long_absence_of_nats_a_sidecar_has_its_time_to_be_heard_again(
    on_own_nats: Hive, own_nats_server: NatsServer
) -> None:
    """Longer than the silence that ends an agent: the leader was as deaf as everybody was mute."""
    hive = on_own_nats
    sidecar, other = await hive.sidecar("acacia"), await hive.sidecar("birch", models=())
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    await sidecar.vanish()
    own_nats_server.kill()
    await other.beaten(40)
    await asyncio.to_thread(own_nats_server.start)
    await hive.leading()
    await other.beaten(8)
    await sidecar.come_back()
    await other.beaten(5)
    await sidecar.complete(offer)
    assert [attempt.status.value for attempt in (await hive.ended(task_id)).attempts] == ["completed"]


async def test_a_leader_that_is_deposed_while_nats_is_away_leads_again_when_it_is_back(
    on_own_nats: Hive, own_nats_server: NatsServer
) -> None:
    hive = on_own_nats
    await hive.leading()
    own_nats_server.kill()
    await hive.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    async with asyncio.timeout(10):
        while await hive.sql("SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"):
            await asyncio.sleep(0.02)
    await asyncio.to_thread(own_nats_server.start)
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED
    [row] = await hive.sql("SELECT epoch FROM leadership")
    assert row["epoch"] == 2


async def test_a_bus_whose_store_was_lost_is_read_from_its_beginning(on_own_nats: Hive, own_nats_server: NatsServer) -> None:
    """It counts from one again: what stands behind the leader's old position would never be read."""
    hive = on_own_nats
    sidecar = await hive.sidecar("acacia")
    for _ in range(3):
        task_id = await hive.submit()
        await sidecar.complete(await sidecar.offered())
        await hive.ended(task_id)
    own_nats_server.kill()
    shutil.rmtree(own_nats_server.folder / "store" / "jetstream")
    await asyncio.to_thread(own_nats_server.start)
    await declared(hive.bus)
    tasks = [await hive.submit() for _ in range(5)]  # beyond the old position, and so not to be known by that alone
    for _ in tasks:
        await sidecar.complete(await sidecar.offered(seconds=20))
    assert {(await hive.ended(task_id)).status for task_id in tasks} == {TaskStatus.COMPLETED}


async def test_without_redis_nothing_stops(idle_hive: Hive) -> None:
    idle_hive.start_coordinator(redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}"))
    sidecar = await idle_hive.sidecar("acacia")
    task_id = await idle_hive.submit()
    offer = await sidecar.offered()
    await sidecar.beaten(20)
    await sidecar.complete(offer)
    assert (await idle_hive.ended(task_id)).status is TaskStatus.COMPLETED
    assert offer.epoch == (await idle_hive.sql("SELECT epoch FROM leadership"))[0]["epoch"]
