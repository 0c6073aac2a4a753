"""From where the leader reads, in which order, and what it leaves on the stream."""

import asyncio
import json
from uuid import UUID

import pytest

from bus import subjects
from bus.client import Received
from bus.errors import BusUnavailable
from bus.nats_bus import NatsBus
from coordinator.leading import term
from tests.integration.coordinator.conftest import Hive


async def test_what_was_committed_as_read_is_not_read_again(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it is still on the stream, as after a crash before the purge."""

    async def not_now(*_: object) -> None:
        raise BusUnavailable("It is purged later.")

    monkeypatch.setattr(NatsBus, "purge", not_now)
    [leader] = hive.coordinators
    await hive.leading()
    await hive.stop(leader)
    before = await hive.submit()
    found = await hive.bus.last(subjects.TASKS, subjects.submits_of_task(before))
    assert found is not None
    await hive.sql("UPDATE leadership SET positions = $1", json.dumps({"medium": found.sequence}))
    after = await hive.submit()
    hive.start_coordinator()
    await hive.stored(after)
    assert [row["id"] for row in await hive.sql("SELECT id FROM tasks")] == [after]


@pytest.mark.slow
async def test_of_what_has_gathered_the_urgent_is_taken_in_first(hive: Hive) -> None:
    taken: asyncio.Queue[UUID] = asyncio.Queue()

    async def created(received: Received) -> None:
        await taken.put(UUID(subjects.last_token(received.subject)))

    await hive.bus.subscribe(subjects.events("task.created"), created)
    async with hive.held_up() as first:
        low, medium, high = [await hive.submit(priority=priority) for priority in ("low", "medium", "high")]
        await hive.all_is_read()
    async with asyncio.timeout(10):
        assert [await taken.get() for _ in range(4)] == [first, high, medium, low]


async def test_what_is_not_committed_stays_on_the_stream(idle_hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(term, "SLOW_SECONDS", 0.02)
    idle_hive.start_coordinator()
    sidecar = await idle_hive.sidecar("acacia")
    async with idle_hive.held_up() as task_id:
        await sidecar.beaten(5)
        assert await idle_hive.bus.last(subjects.TASKS, subjects.submits_of_task(task_id)) is not None
    assert (await sidecar.offered()).task_id == task_id
