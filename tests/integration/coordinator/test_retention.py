"""What is kept of ended tasks: as long as the settings say, and never less of what has not ended."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bus import subjects
from bus.errors import Conflict, PermissionDenied, TaskNotFound
from bus.messages import Claims, LoginTicket, NoReply, Role, TaskRef, TaskStatus
from coordinator.settings import CoordinatorSettings
from coordinator.store.database import Statements, open_pool
from coordinator.store.retention import clear_once
from tests.integration.coordinator.conftest import Hive


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def statements(hive: Hive) -> AsyncIterator[Statements]:
    await hive.leading()
    pool = await open_pool(hive.database_url, 1)
    yield Statements(pool)
    await pool.close()


async def ended(hive: Hive) -> UUID:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.complete(await sidecar.offered(), "hello")
    await hive.ended(task_id)
    return task_id


def settings(**more: float) -> CoordinatorSettings:
    return CoordinatorSettings.model_validate(more)


async def test_an_ended_task_goes_with_its_attempts_when_its_days_are_over(hive: Hive, statements: Statements) -> None:
    task_id, waiting = await ended(hive), await hive.submit(require={"vram_gb": 80})
    await hive.stored(waiting)
    await clear_once(statements, settings(retain_days=2), now() + timedelta(days=1.9))
    assert (await hive.call("get", task_id)).status is TaskStatus.COMPLETED
    await clear_once(statements, settings(retain_days=2), now() + timedelta(days=2.1))
    assert [row["id"] for row in await hive.sql("SELECT id FROM tasks")] == [waiting]
    assert await hive.sql("SELECT FROM attempts") == []


async def test_what_tasks_waited_for_goes_with_them(hive: Hive, statements: Statements) -> None:
    sidecar = await hive.sidecar("acacia")
    first = await hive.submit()
    second = await hive.submit(depends_on=[first])
    for task_id in (first, second):
        await sidecar.complete(await sidecar.offered())
        await hive.ended(task_id)
    assert len(await hive.sql("SELECT FROM task_dependencies")) == 1
    await clear_once(statements, settings(retain_days=1), now() + timedelta(days=2))
    assert await hive.sql("SELECT FROM task_dependencies") == []


async def test_a_login_link_that_nobody_used_goes_when_it_has_expired(hive: Hive, statements: Statements) -> None:
    for _ in range(2):
        await hive.bus.request(subjects.service_verb(subjects.SERVICE_KEYS, "ticket"), NoReply(), LoginTicket)
    await clear_once(statements, settings(), now() + timedelta(minutes=14))
    assert len(await hive.sql("SELECT FROM login_tickets")) == 2
    await clear_once(statements, settings(), now() + timedelta(minutes=16))
    assert await hive.sql("SELECT FROM login_tickets") == []


async def test_zero_days_are_for_ever(hive: Hive, statements: Statements) -> None:
    task_id = await ended(hive)
    await clear_once(statements, settings(retain_days=0), now() + timedelta(days=10_000))
    assert (await hive.call("get", task_id)).output is not None


async def test_prompt_and_output_may_go_before_the_task(hive: Hive, statements: Statements) -> None:
    task_id, waiting = await ended(hive), await hive.submit("Say more", require={"vram_gb": 80})
    await hive.stored(waiting)
    await clear_once(statements, settings(retain_text_hours=1), now() + timedelta(hours=1.1))
    record = await hive.call("get", task_id)
    assert (record.status, record.prompt, record.output) == (TaskStatus.COMPLETED, None, None)
    assert record.usage is not None
    assert (await hive.call("get", waiting)).prompt == "Say more"


@pytest.mark.parametrize("kept", [{"retain_text_hours": 1, "retain_days": 0}, {"retain_days": 1}])
async def test_what_is_requeued_in_that_moment_keeps_its_prompt(
    hive: Hive, statements: Statements, kept: dict[str, float]
) -> None:
    task_id, other = await ended(hive), await hive.database()
    async with other.transaction():
        await other.execute("UPDATE tasks SET status = 'pending', completed_at = NULL WHERE id = $1", task_id)
        clearing = asyncio.create_task(clear_once(statements, settings(**kept), now() + timedelta(days=2)))
        await asyncio.wait({clearing}, timeout=0.3)
    await clearing
    assert (await hive.call("get", task_id)).prompt == "Say hello"


async def test_a_dead_letter_whose_text_is_gone_cannot_be_requeued(hive: Hive, statements: Statements) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.fail(await sidecar.offered(), retryable=False)
    await hive.ended(task_id)
    await clear_once(statements, settings(retain_text_hours=1), now() + timedelta(hours=1.1))
    with pytest.raises(Conflict, match="not kept any more"):
        await hive.call("requeue", task_id)


async def test_an_ended_task_is_erased_by_its_owner_and_one_that_runs_is_not(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit(owner="ada")
    ada, bob = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("ada", "bob"))
    offer = await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    with pytest.raises(Conflict, match="Cancel it first"):
        await hive.ask("erase", TaskRef(id=task_id), NoReply, claims=ada)
    await sidecar.complete(offer)
    await hive.ended(task_id)
    with pytest.raises(PermissionDenied):
        await hive.ask("erase", TaskRef(id=task_id), NoReply, claims=bob)
    await hive.ask("erase", TaskRef(id=task_id), NoReply, claims=ada)
    with pytest.raises(TaskNotFound):
        await hive.call("get", task_id)
