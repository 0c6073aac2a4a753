"""Where a waiting task stands, as the doors tell it: in the record, in headers, and as events of its stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from httpx import AsyncClient

from bus.messages.places import Delay, QueuePlace, Rise
from bus.testing import InMemoryBus
from coordinator.gateway.places import Places
from tests.unit.gateway.rooms import Rooms
from tests.unit.gateway.test_output import events_of, submitted

THIRD = QueuePlace(position=3, eta_seconds=4.5)
FIFTH = QueuePlace(
    position=5,
    eta_seconds=8.0,
    rise=Rise(reason=Delay.FAIRNESS, before=3, position=5, at=datetime(2026, 11, 23, tzinfo=UTC)),
)


@pytest.fixture
async def places(memory_bus: InMemoryBus, rooms: Rooms) -> AsyncIterator[Places]:
    places = Places(memory_bus, look_seconds=0.001)
    await places.start()
    yield places
    await places.close()


async def test_headers_tell_the_place_of_a_task_that_waits_and_why_it_was_put_back(anna: AsyncClient, rooms: Rooms) -> None:
    task_id = await submitted(anna)
    rooms.wait_at(task_id, THIRD)
    first = (await anna.get(f"/api/tasks/{task_id}")).headers
    assert (first["x-hive-queue-position"], first["x-hive-queue-eta-seconds"]) == ("3", "4.5")
    assert "x-hive-queue-rise" not in first
    rooms.wait_at(task_id, FIFTH)
    response = await anna.get(f"/api/tasks/{task_id}")
    assert response.headers["x-hive-queue-rise"] == "fairness"
    assert response.json()["rise"]["reason"] == "fairness"
    await rooms.finish(task_id)
    assert "x-hive-queue-position" not in (await anna.get(f"/api/tasks/{task_id}")).headers


async def test_whoever_waits_for_the_end_in_vain_hears_the_place(
    anna: AsyncClient, rooms: Rooms, memory_bus: InMemoryBus
) -> None:
    key = {"Idempotency-Key": "one"}
    task_id = (await anna.post("/api/tasks", json={"prompt": "hi"}, headers=key)).json()["id"]
    rooms.wait_at(task_id := next(known for known in rooms.tasks if str(known) == task_id), THIRD)
    response = await anna.post("/api/tasks?wait=0.05", json={"prompt": "hi"}, headers=key)
    assert (response.status_code, response.headers["x-hive-queue-position"]) == (200, "3")


async def test_a_stream_tells_the_place_and_each_change_of_it(anna: AsyncClient, rooms: Rooms) -> None:
    task_id = await submitted(anna)
    rooms.wait_at(task_id, THIRD)
    reading = asyncio.create_task(anna.get(f"/api/tasks/{task_id}/output"))
    asked = len(rooms.placed)
    async with asyncio.timeout(10):
        while len(rooms.placed) <= asked:
            await asyncio.sleep(0.01)
        rooms.wait_at(task_id, FIFTH)
        while len(rooms.placed) <= asked + 2:
            await asyncio.sleep(0.01)
        await rooms.speak(task_id, "Hello.")
        await rooms.finish(task_id, "Hello.")
        response = await reading
    assert response.headers["x-hive-queue-position"] == "3"
    events = events_of(response.text)
    assert [event.name for event in events] == ["queue", "queue", "delta", "done"]
    assert [event.data["position"] for event in events[:2]] == [3, 5]
    assert events[1].data["rise"] == FIFTH.model_dump(mode="json")["rise"]
    assert [event.id for event in events] == [None, None, "1:6", None]


async def test_all_that_are_watched_are_asked_for_by_one_question_and_nobody_else(places: Places, rooms: Rooms) -> None:
    ids = [uuid4() for _ in range(3)]
    rooms.places = dict.fromkeys(ids, FIFTH)
    watches = [places.watch(task_id, THIRD) for task_id in ids]
    async with asyncio.timeout(5):
        for watch in watches:
            assert await anext(watch) == THIRD
        assert await asyncio.gather(*map(anext, watches)) == [FIFTH] * 3
        assert set(rooms.placed[-1]) == set(ids)
        for watch in watches[1:]:
            await watch.aclose()
        rooms.places[ids[0]] = THIRD
        assert await anext(watches[0]) == THIRD
        assert rooms.placed[-1] == (ids[0],)
        await watches[0].aclose()
    assert not places._watchers


async def test_what_waits_no_more_has_no_place_until_it_comes_back(places: Places, rooms: Rooms) -> None:
    task_id = uuid4()
    async with aclosing(places.watch(task_id, None)) as watch, asyncio.timeout(5):
        step = asyncio.ensure_future(anext(watch))
        while len(rooms.placed) < 2:
            await asyncio.sleep(0.001)
        assert not step.done()
        rooms.places[task_id] = THIRD
        assert await step == THIRD
        del rooms.places[task_id]
        asked = len(rooms.placed)
        step = asyncio.ensure_future(anext(watch))
        while len(rooms.placed) < asked + 2:
            await asyncio.sleep(0.001)
        rooms.places[task_id] = THIRD
        assert await step == THIRD  # the same place, and told again: it was gone meanwhile


async def test_while_nobody_leads_a_watch_only_waits(memory_bus: InMemoryBus) -> None:
    places = Places(memory_bus, look_seconds=0.001)
    await places.start()
    watch = places.watch(uuid4(), None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await anext(watch)
    await places.close()
