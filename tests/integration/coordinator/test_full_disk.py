"""PostgreSQL on a disk that is full, and has room again: submits are acknowledged meanwhile, and all of them complete once."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from bus.messages import TaskStatus
from bus.nats_bus import NatsBus
from deploy.local.supervisor import Supervisor
from deploy.local.unit import Spec
from tests.conftest import folder_for_others
from tests.integration.coordinator.conftest import Hive
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer
from tests.parts.scripted_sidecar import ScriptedSidecar
from tests.parts.small_disk import SmallDisk, small_disk

MEGABYTES = 192
TASKS = 20
BACK_SECONDS = 60


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with folder_for_others("full") as folder, small_disk(folder / "disk", MEGABYTES) as found:
        yield found


@pytest.fixture
async def database(disk: SmallDisk, tmp_path: Path) -> AsyncIterator[PostgresServer]:
    """Under a supervisor, as `hive up` has it: it may end over what it cannot write."""
    server = PostgresServer(disk.folder)
    part = server.part
    spec = Spec(launch=part.launch(), prepare=part.prepare, ready=partial(asyncio.to_thread, part.ready))
    supervisor = Supervisor([spec], [], lambda name: tmp_path / f"{name}.log", lambda _unit, _message: None)
    await supervisor.start()
    yield server
    await supervisor.stop()


@pytest.fixture
async def on_small_disk(nats_server: NatsServer, nats_bus: NatsBus, database: PostgresServer) -> AsyncIterator[Hive]:
    hive = Hive(nats_server, nats_bus, database.url)
    hive.start_coordinator()
    yield hive
    await hive.close()


async def work(sidecar: ScriptedSidecar) -> None:
    while True:
        await sidecar.complete(await sidecar.offered(BACK_SECONDS))


def large() -> str:
    """That no compression makes small."""
    return os.urandom(60_000).hex()


@pytest.mark.timeout(180)
async def test_a_record_whose_disk_is_full_takes_up_what_was_acknowledged_meanwhile(
    on_small_disk: Hive, disk: SmallDisk, tmp_path: Path
) -> None:
    hive = on_small_disk
    sidecar = await hive.sidecar("acacia", slots=4)
    working = asyncio.create_task(work(sidecar))
    first = await hive.submit()
    await hive.ended(first)
    await asyncio.to_thread(disk.fill)
    tasks = [await hive.submit(large()) for _ in range(TASKS)]
    async with asyncio.timeout(BACK_SECONDS):
        while "No space left on device" not in (tmp_path / "postgres.log").read_text():
            await asyncio.sleep(0.05)
    await asyncio.to_thread(disk.empty)
    for task_id in (first, *tasks):
        record = await hive.ended(task_id, BACK_SECONDS)
        assert (record.status, [attempt.status.value for attempt in record.attempts]) == (TaskStatus.COMPLETED, ["completed"])
    working.cancel()
