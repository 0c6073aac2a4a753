"""nats-server on a disk that is full, and has room again: whatever was acknowledged is there, and the next submit is acknowledged too."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bus import subjects
from bus.errors import BusUnavailable
from bus.messages import TaskClass
from bus.nats_bus import NatsBus
from deploy.local.full_disk import FullDisk
from deploy.local.unit import Spec
from tests.integration.deploy.test_supervisor import Reports, pid, supervising
from tests.parts.nats import NatsServer
from tests.parts.small_disk import SmallDisk, small_disk

MEGABYTES = 48


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", MEGABYTES) as found:
        yield found


async def submit(bus: NatsBus, seconds: float = 1.0) -> UUID:
    task_id = uuid4()
    subject = subjects.submit(subjects.DEFAULT_TENANT, TaskClass.MEDIUM, task_id)
    body = b'{"prompt": "%s"}' % (b"x" * 10_000)
    await bus.publish_durable(subject, body, message_id=f"default.{task_id}", timeout=seconds)
    return task_id


async def is_kept(bus: NatsBus, task_id: UUID) -> bool:
    return await bus.last(subjects.TASKS, subjects.submits_of_task(task_id)) is not None


@pytest.mark.slow
async def test_the_bus_refuses_while_its_disk_is_full_and_comes_back_by_itself(tmp_path: Path, disk: SmallDisk) -> None:
    reports, server = Reports(tmp_path), NatsServer(disk.folder / "nats")
    part = server.part
    spec = Spec(
        launch=part.launch(),
        prepare=part.prepare,
        ready=partial(asyncio.to_thread, part.ready),
        full_disk=FullDisk(disk.folder, room_bytes=8 * 1024 * 1024),
    )
    async with supervising(reports, [spec]) as supervisor:
        await supervisor.start()
        [status] = supervisor.statuses
        bus = await server.connect()
        before = await submit(bus, 10)
        await asyncio.to_thread(disk.fill)
        for _ in range(3):
            with pytest.raises(BusUnavailable):
                await submit(bus)
        assert [each.pid for each in supervisor.statuses] == [pid(status)]  # a new start would not help yet
        await asyncio.to_thread(disk.empty)
        async with asyncio.timeout(30):
            while True:
                try:
                    after = await submit(bus)
                    break
                except BusUnavailable:
                    continue
        assert await is_kept(bus, before)
        assert await is_kept(bus, after)
        await bus.close()
    assert any("found the disk full" in message for message in reports.messages)
