"""A task that waits for others: released by their completion, failed by their failure, refused where waiting would never end."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

from bus.messages import TaskRecord, TaskStatus
from tests.integration.coordinator.conftest import Hive


def code(record: TaskRecord) -> str:
    assert record.status is TaskStatus.FAILED
    assert record.error is not None
    return record.error.code


async def after(hive: Hive, *task_ids: UUID, **more: Any) -> UUID:
    return await hive.submit("And then", depends_on=[str(task_id) for task_id in task_ids], **more)


async def test_a_task_waits_for_all_its_dependencies_and_then_runs(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia", slots=2)
    first, second = await hive.submit(), await hive.submit()
    waiting = await after(hive, first, second)
    offers = [await sidecar.offered(), await sidecar.offered()]
    assert (await hive.call("get", waiting)).status is TaskStatus.PENDING
    for offer in offers:
        await sidecar.complete(offer)
    last = await sidecar.offered()
    assert last.task_id == waiting
    await sidecar.complete(last)
    record = await hive.ended(waiting)
    assert (record.status, record.depends_on) == (TaskStatus.COMPLETED, (first, second))


async def test_those_that_wait_for_others_are_counted_apart(hive: Hive) -> None:
    await after(hive, await hive.submit())
    async with asyncio.timeout(10):
        while (await hive.leading()).queue != {"high": 0, "medium": 1, "low": 0, "pending": 1}:
            await asyncio.sleep(0.02)


async def test_a_dependency_that_has_completed_is_no_reason_to_wait(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    await hive.ended(first)
    await after(hive, first)
    assert (await sidecar.offered()).prompt == "And then"


async def test_a_failed_dependency_fails_its_dependents_and_theirs(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    second = await after(hive, first)
    third = await after(hive, second)
    await hive.stored(third)
    await sidecar.fail(await sidecar.offered(), retryable=False)
    records = [await hive.ended(second), await hive.ended(third)]
    assert [code(record) for record in records] == ["dependency_failed"] * 2
    assert records[0].error is not None
    assert str(first) in records[0].error.message


async def test_a_cancelled_dependency_fails_its_dependents(hive: Hive) -> None:
    first = await hive.submit()
    second = await after(hive, first)
    await hive.stored(second)
    await hive.leading()
    await hive.call("cancel", first)
    assert code(await hive.ended(second)) == "dependency_failed"


async def test_a_dependency_that_has_failed_already_fails_the_task_at_once(hive: Hive) -> None:
    first = await hive.submit(model="nobody-has-this")
    await hive.ended(first)
    assert code(await hive.ended(await after(hive, first))) == "dependency_failed"


async def test_an_unknown_dependency_is_refused(hive: Hive) -> None:
    assert code(await hive.ended(await after(hive, uuid4()))) == "unknown_dependency"


async def test_a_task_that_waits_for_itself_is_refused(hive: Hive) -> None:
    own = uuid4()
    assert code(await hive.ended(await after(hive, own, task_id=own))) == "dependency_cycle"


async def test_a_cycle_of_two_is_refused(idle_hive: Hive) -> None:
    first, second = uuid4(), uuid4()
    for own, other in ((first, second), (second, first)):
        await idle_hive.publish(json.dumps({"prompt": "hi", "depends_on": [str(other)]}).encode(), own)
    idle_hive.start_coordinator()
    assert {code(await idle_hive.ended(task_id)) for task_id in (first, second)} == {"dependency_cycle", "dependency_failed"}


async def test_a_dependency_of_a_less_urgent_class_may_not_have_been_read_yet(idle_hive: Hive) -> None:
    first = await idle_hive.submit(priority="low")
    second = await after(idle_hive, first, priority="high")
    idle_hive.start_coordinator()
    sidecar = await idle_hive.sidecar("acacia")
    for task_id in (first, second):
        offer = await sidecar.offered()
        assert offer.task_id == task_id
        await sidecar.complete(offer)
    assert (await idle_hive.ended(second)).status is TaskStatus.COMPLETED


async def test_a_long_chain_may_be_read_from_its_end(idle_hive: Hive) -> None:
    chain = [uuid4() for _ in range(500)]
    for own, other in pairwise(chain):
        await after(idle_hive, other, task_id=own)
    await idle_hive.submit(task_id=chain[-1])
    idle_hive.start_coordinator()
    await idle_hive.reaches(chain[0], TaskStatus.PENDING)
    await idle_hive.leading()
    await idle_hive.call("cancel", chain[-1])
    assert code(await idle_hive.ended(chain[0], seconds=30)) == "dependency_failed"


async def test_a_task_is_not_released_by_one_dependency_while_another_arrives(idle_hive: Hive) -> None:
    """All that decides it comes in one turn of a new leader: the end of the one, the arrival of the other, and who waits for both."""
    hive = idle_hive
    leader = hive.start_coordinator()
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(first, TaskStatus.RUNNING)
    await hive.stop(leader)
    await sidecar.complete(offer)
    second = await hive.submit("The other")
    waiting = await after(hive, first, second)
    hive.start_coordinator()
    assert (await sidecar.offered()).task_id == second
    assert (await hive.ended(first)).status is TaskStatus.COMPLETED
    assert (await hive.call("get", waiting)).status is TaskStatus.PENDING


async def test_a_task_whose_deadline_passes_while_it_waits_for_others_fails_and_so_do_its_dependents(hive: Hive) -> None:
    first = await hive.submit()
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    second = await after(hive, first, deadline=soon.isoformat())
    third = await after(hive, second, deadline=(soon + timedelta(hours=1)).isoformat())
    records = [await hive.ended(second), await hive.ended(third)]
    assert [code(record) for record in records] == ["task_timeout", "dependency_failed"]
    assert (await hive.call("get", first)).status is TaskStatus.QUEUED
