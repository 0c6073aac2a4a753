"""The three hops: a submit becomes a row, the row an offer, the report a fact."""

import asyncio
from uuid import uuid4

import pytest

from bus import subjects
from bus.client import Received
from bus.messages import TaskEvent, TaskStatus
from tests.integration.coordinator.conftest import Hive


async def test_a_submitted_task_runs_and_completes(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit("Say hello", metadata={"a": 1})
    offer = await sidecar.offered()
    assert (offer.task_id, offer.prompt, offer.model, offer.number) == (task_id, "Say hello", "smollm2:135m", 1)
    await sidecar.complete(offer, "hello")
    record = await hive.ended(task_id)
    assert record.status is TaskStatus.COMPLETED
    assert record.output is not None
    assert record.output.text == "hello"
    assert record.assigned_agent_id == "acacia"
    assert [attempt.status for attempt in record.attempts] == ["completed"]
    assert record.metadata == {"a": 1}
    assert record.started_at is not None
    assert record.completed_at is not None
    assert record.created_at <= record.started_at <= record.completed_at


async def test_its_events_tell_its_story_in_order(hive: Hive) -> None:
    story: asyncio.Queue[str] = asyncio.Queue()

    async def read(received: Received) -> None:
        await story.put(subjects.event_type(received.subject).value)

    sidecar = await hive.sidecar("acacia")
    await hive.submit("A first one: from here on the leader has heard its sidecars and places at once")
    await sidecar.complete(await sidecar.offered())
    task_id = uuid4()
    await hive.bus.subscribe(subjects.events("task.*", entity_id=task_id), read)
    await hive.bus.flush()
    await hive.submit(task_id=task_id)
    offer = await sidecar.offered()
    async with asyncio.timeout(10):
        seen = [await story.get() for _ in range(3)]
        await sidecar.complete(offer)
        seen.append(await story.get())
    assert seen == ["task.created", "task.assigned", "task.started", "task.completed"]


@pytest.mark.parametrize("status", [TaskStatus.COMPLETED, TaskStatus.FAILED])
async def test_its_end_names_the_model_that_did_it_though_the_task_named_none(hive: Hive, status: TaskStatus) -> None:
    ends: asyncio.Queue[TaskEvent] = asyncio.Queue()

    async def read(received: Received) -> None:
        await ends.put(received.decode(TaskEvent))

    sidecar, task_id = await hive.sidecar("acacia"), uuid4()
    await hive.bus.subscribe(subjects.events(f"task.{status}", entity_id=task_id), read)
    await hive.bus.flush()
    await hive.submit(task_id=task_id, max_attempts=1)
    offer = await sidecar.offered()
    if status is TaskStatus.COMPLETED:
        await sidecar.complete(offer)
    else:
        await sidecar.fail(offer)
    async with asyncio.timeout(10):
        end = (await ends.get()).data
    assert (end.model, end.agent_id) == ("smollm2:135m", "acacia")
