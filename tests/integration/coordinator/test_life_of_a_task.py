"""The three hops: a submit becomes a row, the row an offer, the report a fact."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bus import subjects
from bus.client import Received
from bus.codec import encode
from bus.messages import Claims, TaskEvent, TaskKind, TaskRequest, TaskStatus
from bus.submit import accepted, publish_task
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


async def test_its_end_says_by_which_key_and_for_which_workflow_it_was_asked_for_though_another_leads_by_then(
    hive: Hive,
) -> None:
    ends: asyncio.Queue[TaskEvent] = asyncio.Queue()

    async def read(received: Received) -> None:
        await ends.put(received.decode(TaskEvent))

    task_id, key_id, workflow_id = uuid4(), uuid4(), uuid4()
    await hive.bus.subscribe(subjects.events("task.completed", entity_id=task_id), read)
    request = TaskRequest(prompt="Say hello", kind=TaskKind.GENERATE)
    record = accepted(task_id, request, Claims(sub="ada", roles=()), datetime.now(UTC))
    await publish_task(hive.bus, record, encode(request), key_id=key_id, workflow_id=workflow_id)
    await hive.stored(task_id)
    await hive.stop(hive.coordinators[-1])
    hive.start_coordinator()
    sidecar = await hive.sidecar("acacia")
    await sidecar.complete(await sidecar.offered())
    async with asyncio.timeout(20):
        end = (await ends.get()).data
    assert (end.owner, end.key_id, end.workflow_id, end.kind) == ("ada", key_id, workflow_id, TaskKind.GENERATE)
