"""The stream of a task's output: live, resumed, restarted, and ended in words."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient

from bus import together
from bus.errors import InvalidRequest, TaskNotFound
from bus.testing import InMemoryBus
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.streaming import Pause, Position, paced, parse_position
from tests.unit.gateway.rooms import Rooms


@dataclass(frozen=True)
class Event:
    name: str
    data: dict[str, object]
    id: str | None


def events_of(text: str) -> list[Event]:
    """By the rules of https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as they are used."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append(Event(fields["event"], json.loads(fields["data"]), fields.get("id")))
    return found


async def submitted(client: AsyncClient) -> UUID:
    return UUID((await client.post("/api/tasks", json={"prompt": "hi"})).json()["id"])


async def watched(memory_bus: InMemoryBus, task_id: UUID) -> None:
    """Until somebody listens to the output."""
    async with asyncio.timeout(5):
        while not any(str(task_id) in held.subject_filter for held in memory_bus._subscriptions):
            await asyncio.sleep(0.001)


async def test_deltas_come_in_order_and_the_task_at_the_end(anna: AsyncClient, rooms: Rooms, memory_bus: InMemoryBus) -> None:
    task_id = await submitted(anna)
    reading = asyncio.create_task(anna.get(f"/api/tasks/{task_id}/output"))
    await watched(memory_bus, task_id)
    await rooms.speak(task_id, "Hello ")
    await rooms.speak(task_id, "there.", offset=6)
    await rooms.finish(task_id, "Hello there.")
    response = await reading
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    events = events_of(response.text)
    assert [event.name for event in events] == ["delta", "delta", "done"]
    assert [event.id for event in events] == ["1:6", "1:12", None]
    assert "".join(str(event.data["text"]) for event in events[:-1]) == "Hello there."
    assert events[-1].data["status"] == "completed"
    assert memory_bus._subscriptions == [held for held in memory_bus._subscriptions if str(task_id) not in held.subject_filter]


async def test_who_comes_late_gets_all_and_who_resumes_gets_the_rest(anna: AsyncClient, rooms: Rooms) -> None:
    task_id = await submitted(anna)
    await rooms.speak(task_id, "Hello there.")
    await rooms.finish(task_id, "Hello there.")
    late = events_of((await anna.get(f"/api/tasks/{task_id}/output")).text)
    assert "".join(str(event.data["text"]) for event in late[:-1]) == "Hello there."
    resumed = events_of((await anna.get(f"/api/tasks/{task_id}/output", headers={"Last-Event-ID": "1:6"})).text)
    assert [event.data.get("text") for event in resumed[:-1]] == ["there."]
    assert resumed[-1].name == "done"


@pytest.mark.parametrize(("last", "said"), [("1:13", "has not come to character 13"), ("2:0", "the task has had 1")])
async def test_a_position_that_an_ended_task_never_had_is_refused(
    anna: AsyncClient, rooms: Rooms, last: str, said: str
) -> None:
    task_id = await submitted(anna)
    await rooms.finish(task_id, "Hello there.")
    response = await anna.get(f"/api/tasks/{task_id}/output", headers={"Last-Event-ID": last})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert said in response.json()["detail"]


async def test_a_position_that_a_running_task_has_not_reached_is_told_with_its_next_words(
    anna: AsyncClient, rooms: Rooms, memory_bus: InMemoryBus
) -> None:
    task_id = await submitted(anna)
    await rooms.speak(task_id, "Hello ")
    reading = asyncio.create_task(anna.get(f"/api/tasks/{task_id}/output", headers={"Last-Event-ID": "1:50"}))
    await watched(memory_bus, task_id)
    await rooms.speak(task_id, "there.", offset=6)
    async with asyncio.timeout(5):
        [event] = events_of((await reading).text)
    assert (event.name, event.data["code"]) == ("error", "invalid_request")
    assert "has not come to character 50; it is at 12" in str(event.data["detail"])


async def test_who_has_heard_more_than_the_stream_holds_goes_on_behind_it(
    anna: AsyncClient, rooms: Rooms, memory_bus: InMemoryBus
) -> None:
    task_id = await submitted(anna)
    await rooms.speak(task_id, "Hello ")
    reading = asyncio.create_task(anna.get(f"/api/tasks/{task_id}/output", headers={"Last-Event-ID": "1:12"}))
    await watched(memory_bus, task_id)
    await rooms.speak(task_id, " Bye.", offset=12)
    await rooms.finish(task_id, "Hello there. Bye.")
    assert [event.data.get("text") for event in events_of((await reading).text)] == [" Bye.", None]


async def test_a_stream_of_nothing_is_refused_before_it_begins(anna: AsyncClient, viewer: AsyncClient) -> None:
    assert (await anna.get(f"/api/tasks/{uuid4()}/output")).json()["code"] == "task_not_found"
    task_id = await submitted(anna)
    assert (await viewer.get(f"/api/tasks/{task_id}/output")).json()["code"] == "permission_denied"
    odd = await anna.get(f"/api/tasks/{task_id}/output", headers={"Last-Event-ID": "seven"})
    assert (odd.status_code, odd.json()["code"]) == (422, "invalid_request")


async def test_an_error_on_the_way_ends_the_stream_in_words(anna: AsyncClient, rooms: Rooms, memory_bus: InMemoryBus) -> None:
    task_id = await submitted(anna)
    reading = asyncio.create_task(anna.get(f"/api/tasks/{task_id}/output"))
    await watched(memory_bus, task_id)
    record = rooms.tasks.pop(task_id)
    rooms.tasks[uuid4()] = record
    await memory_bus.publish(f"hive.events.default.task.completed.{task_id}", b"{}")
    events = events_of((await reading).text)
    assert [event.name for event in events] == ["error"]
    assert events[0].data["code"] == "task_not_found"


async def test_a_stream_says_that_the_gateway_stops(anna: AsyncClient, gateway: Gateway, memory_bus: InMemoryBus) -> None:
    task_id = await submitted(anna)
    reading = asyncio.create_task(anna.get(f"/api/tasks/{task_id}/output"))
    await watched(memory_bus, task_id)
    gateway.stop()
    async with asyncio.timeout(2):
        text = (await reading).text
    assert text.endswith(Pause.STOPPING.value)


async def test_silence_is_filled_with_comments() -> None:
    gate = asyncio.Event()

    async def items() -> AsyncGenerator[str, None]:
        await gate.wait()
        yield "late"

    steps = [step async for step in opened(paced(items(), asyncio.Event(), quiet_seconds=0.01), gate)]
    assert steps[0] is Pause.QUIET
    assert steps[-1] == "late"


async def opened(steps: AsyncIterator[object], gate: asyncio.Event) -> AsyncIterator[object]:
    """The steps, with the gate opened behind the first."""
    async for step in steps:
        gate.set()
        yield step


async def test_the_end_of_a_reader_ends_what_it_read() -> None:
    cleaned = asyncio.Event()

    async def items() -> AsyncGenerator[str, None]:
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    async def read() -> None:
        async for _ in paced(items(), asyncio.Event()):
            started.set()

    started = asyncio.Event()
    reader = asyncio.create_task(read())
    async with asyncio.timeout(2):
        await started.wait()
        reader.cancel()
        await cleaned.wait()


async def test_items_that_drop_a_cancel_end_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those do that wait for an answer by `asyncio.wait_for` of Python 3.11, when it comes together with the cancel."""
    monkeypatch.setattr(together, "AGAIN_SECONDS", 0.01)
    cleaned = asyncio.Event()

    async def items() -> AsyncGenerator[str, None]:
        try:
            yield "one"
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    async with asyncio.timeout(2):
        async with aclosing(paced(items(), asyncio.Event())) as steps:
            assert await anext(steps) == "one"
        await cleaned.wait()


async def test_an_error_of_the_items_is_the_readers() -> None:
    async def items() -> AsyncGenerator[str, None]:
        yield "one"
        raise TaskNotFound

    with pytest.raises(TaskNotFound):
        assert [step async for step in paced(items(), asyncio.Event())] == ["one"]


@pytest.mark.parametrize(("given", "wanted"), [(None, (0, 0)), ("", (0, 0)), ("2:17", (2, 17))])
def test_the_id_of_an_event_is_a_position(given: str | None, wanted: tuple[int, int]) -> None:
    assert parse_position(given) == Position(number=wanted[0], offset=wanted[1])


@pytest.mark.parametrize("given", ["1", "1:", ":1", "a:b", "1:-2", "1:2:3", "1:" + "9" * 40])
def test_what_is_no_position_is_refused(given: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_position(given)
