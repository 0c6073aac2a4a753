"""What an operator does: look why, try again, give to an agent of choice."""

import asyncio
from uuid import uuid4

import pytest

from bus import subjects
from bus.client import Received
from bus.errors import AgentNotFound, AgentUnable, Conflict, DependencyFailed, PermissionDenied, TaskNotFound, UnknownModel
from bus.messages import (
    AssignTask,
    Claims,
    Explanation,
    ListTasks,
    ModelInfo,
    PrioritizeTask,
    Requirements,
    Role,
    TaskEvent,
    TaskList,
    TaskRecord,
    TaskRef,
    TaskRequest,
    TaskStatus,
)
from tests.integration.coordinator.conftest import Hive

COLD = ModelInfo(name="smollm2:135m")


async def test_a_dead_letter_is_listed_and_requeued(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    good, bad = await hive.submit(), await hive.submit(max_attempts=2)
    await sidecar.complete(await sidecar.offered())
    await sidecar.fail(await sidecar.offered(), retryable=False)
    await hive.ended(good)
    await hive.ended(bad)
    dead = await hive.ask("list", ListTasks(dead_letters=True), TaskList)
    assert [record.id for record in dead.tasks] == [bad]
    revived = await hive.call("requeue", bad)
    assert (revived.error, revived.completed_at) == (None, None)
    offer = await sidecar.offered()
    assert (offer.task_id, offer.number, offer.prompt) == (bad, 2, "Say hello")
    await sidecar.fail(offer)
    await sidecar.complete(await sidecar.offered())
    record = await hive.ended(bad)
    assert [attempt.status.value for attempt in record.attempts] == ["failed", "failed", "completed"]
    assert (await hive.ask("list", ListTasks(dead_letters=True), TaskList)).tasks == ()


async def test_only_what_failed_and_was_understood_can_be_requeued(hive: Hive) -> None:
    await hive.leading()
    waiting, unknown, poison = await hive.submit(), await hive.submit(model="nobody-has-this"), uuid4()
    await hive.publish(b"not json", poison)
    await hive.ended(unknown)
    await hive.ended(poison)
    with pytest.raises(Conflict, match="Only a failed task"):
        await hive.call("requeue", waiting)
    with pytest.raises(Conflict, match="could not be understood"):
        await hive.call("requeue", poison)
    with pytest.raises(UnknownModel):
        await hive.call("requeue", unknown)
    with pytest.raises(TaskNotFound):
        await hive.call("requeue", uuid4())


async def test_what_failed_for_its_dependency_is_not_requeued_before_that(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    second = await hive.submit(depends_on=[str(first)])
    await sidecar.fail(await sidecar.offered(), retryable=False)
    await hive.ended(second)
    with pytest.raises(DependencyFailed, match=str(first)):
        await hive.call("requeue", second)
    await hive.call("requeue", first)
    assert (await hive.call("requeue", second)).status is TaskStatus.PENDING
    await sidecar.complete(await sidecar.offered())
    await sidecar.complete(await sidecar.offered())
    assert (await hive.ended(second)).status is TaskStatus.COMPLETED


async def test_a_task_that_is_assigned_by_hand_waits_for_that_agent(hive: Hive) -> None:
    chosen, free = await hive.sidecar("acacia"), await hive.sidecar("birch", models=(COLD,))
    first, waiting, other = await hive.submit(), await hive.submit(), await hive.submit(priority="low")
    running = await chosen.offered()
    assert running.task_id == first
    taken = await free.offered()
    assert taken.task_id == waiting
    record = await hive.ask("assign", AssignTask(id=other, agent_id="acacia"), TaskRecord)
    assert record.status is TaskStatus.QUEUED
    await free.complete(taken)
    await hive.ended(waiting)
    table = await hive.ask("explain", TaskRef(id=other), Explanation)
    assert {row.agent_id: row.reason for row in table.agents} == {
        "acacia": "all its slots are taken",
        "birch": "the task is assigned to acacia by hand",
    }
    await chosen.complete(running)
    assert (await chosen.offered()).task_id == other
    assert free.offers.empty()


async def test_only_what_waits_can_be_assigned_and_only_to_an_agent_that_exists(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.offered()
    with pytest.raises(Conflict, match="Only a task that waits"):
        await hive.ask("assign", AssignTask(id=task_id, agent_id="acacia"), TaskRecord)
    with pytest.raises(AgentNotFound, match="There is no agent birch"):
        await hive.ask("assign", AssignTask(id=task_id, agent_id="birch"), TaskRecord)
    with pytest.raises(TaskNotFound):
        await hive.ask("assign", AssignTask(id=uuid4(), agent_id="acacia"), TaskRecord)


async def test_a_task_is_not_assigned_to_an_agent_that_could_never_take_it(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    await hive.submit()
    first = await sidecar.offered()
    waiting = await hive.submit(require=Requirements(vram_gb=500))
    pending = await hive.submit(require=Requirements(vram_gb=500), depends_on=(first.task_id,))
    for task_id in (waiting, pending):
        await hive.stored(task_id)
        with pytest.raises(AgentUnable, match="it has 0 GiB of VRAM, asked are 500"):
            await hive.ask("assign", AssignTask(id=task_id, agent_id="acacia"), TaskRecord)


async def test_a_waiting_task_that_is_made_urgent_goes_before_those_that_came_earlier(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first, middle, late = await hive.submit(), await hive.submit(), await hive.submit(priority="low")
    running = await sidecar.offered()
    assert running.task_id == first
    changes: asyncio.Queue[TaskEvent] = asyncio.Queue()

    async def heard(message: Received) -> None:
        changes.put_nowait(message.decode(TaskEvent))

    subscription = await hive.bus.subscribe(subjects.events("task.prioritized"), heard)
    record = await hive.ask("prioritize", PrioritizeTask(id=late, priority=1), TaskRecord)
    assert (record.status, record.priority, record.position) == (TaskStatus.QUEUED, 1, 1)
    async with asyncio.timeout(20):
        event = await changes.get()
    assert (event.data.task_id, event.data.priority, event.data.status) == (late, 1, TaskStatus.QUEUED)
    await subscription.close()
    assert (await hive.call("get", middle)).position == 2
    await sidecar.complete(running)
    offer = await sidecar.offered()
    assert offer.task_id == late
    await sidecar.complete(offer)
    assert (await sidecar.offered()).task_id == middle


async def test_a_task_that_waits_for_another_keeps_the_priority_that_it_was_given(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    offer = await sidecar.offered()
    second = await hive.submit(depends_on=[str(first)])
    await hive.stored(second)
    pending = await hive.ask("prioritize", PrioritizeTask(id=second, priority=5), TaskRecord)
    assert (pending.status, pending.priority) == (TaskStatus.PENDING, 5)
    other = await hive.submit()
    await hive.stored(other)
    await sidecar.complete(offer)
    urgent = await sidecar.offered()
    assert urgent.task_id == other
    assert (await hive.call("get", second)).priority == 5


async def test_only_what_waits_gets_another_priority_and_only_from_its_owner_or_an_operator(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    running = await hive.submit()
    await sidecar.offered()
    waiting, ada, vic = (
        await hive.submit(owner="ada"),
        Claims(sub="ada", roles=(Role.DEVELOPER,)),
        Claims(sub="vic", roles=(Role.VIEWER,)),
    )
    await hive.stored(waiting)
    with pytest.raises(Conflict, match="Only a task that waits can be given another priority"):
        await hive.ask("prioritize", PrioritizeTask(id=running, priority=1), TaskRecord)
    with pytest.raises(PermissionDenied):
        await hive.ask("prioritize", PrioritizeTask(id=waiting, priority=1), TaskRecord, claims=vic)
    assert (await hive.ask("prioritize", PrioritizeTask(id=waiting, priority=1), TaskRecord, claims=ada)).priority == 1
    with pytest.raises(TaskNotFound):
        await hive.ask("prioritize", PrioritizeTask(id=uuid4(), priority=1), TaskRecord)


async def test_requeue_and_assign_need_their_permission(hive: Hive) -> None:
    await hive.leading()
    task_id, ada = await hive.submit(owner="ada"), Claims(sub="ada", roles=(Role.DEVELOPER,))
    with pytest.raises(PermissionDenied):
        await hive.ask("requeue", TaskRef(id=task_id), TaskRecord, claims=ada)
    with pytest.raises(PermissionDenied):
        await hive.ask("assign", AssignTask(id=task_id, agent_id="acacia"), TaskRecord, claims=ada)


async def test_a_dry_run_gives_the_answer_of_the_real_choice(hive: Hive) -> None:
    warm, cold = await hive.sidecar("birch"), await hive.sidecar("acacia", models=(COLD,))
    request = TaskRequest(prompt="hi", model="smollm2:135m")
    dry = await hive.ask("preview", request, Explanation)
    assert [(row.agent_id, row.warm, row.able) for row in dry.agents] == [("birch", True, True), ("acacia", False, True)]
    assert dry.choice == "birch"
    task_id = await hive.submit(model="smollm2:135m")
    assert (await warm.offered()).task_id == task_id
    explained = await hive.ask("explain", TaskRef(id=task_id), Explanation)
    assert explained.choice == "birch"
    assert "birch was chosen" in explained.reason
    assert cold.offers.empty()


async def test_a_dry_run_leaves_nothing_behind(hive: Hive) -> None:
    await hive.leading()
    table = await hive.ask("preview", TaskRequest(prompt="hi"), Explanation)
    assert (table.choice, table.reason) == (None, "waits: no agent has registered yet")
    assert (await hive.ask("list", ListTasks(), TaskList)).tasks == ()


async def test_positions_are_those_of_priority_and_arrival(hive: Hive) -> None:
    status = await hive.leading()
    assert status.queue == {"high": 0, "medium": 0, "low": 0, "pending": 0}
    first, last, urgent = await hive.submit(), await hive.submit(priority="low"), await hive.submit(priority="high")
    for task_id, place in ((urgent, 1), (first, 2), (last, 3)):
        await hive.until(task_id, lambda record, place=place: record.position == place)  # type: ignore[misc]
    assert (await hive.leading()).queue == {"high": 1, "medium": 1, "low": 1, "pending": 0}
