"""What any coordinator tells without leading: one task, pages of tasks, agents."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from bus.auth import BUS_OPERATOR
from bus.client import Received
from bus.errors import AgentNotFound, InvalidRequest, PermissionDenied, TaskNotFound
from bus.messages import (
    AgentList,
    Claims,
    ListTasks,
    ModelInfo,
    NoReply,
    Role,
    TaskList,
    TaskRecord,
    TaskRef,
    TaskStatus,
)
from coordinator.reading.tasks import Reads
from coordinator.store.database import Statements, open_pool
from tests.integration.coordinator.conftest import Hive

ADA = Claims(sub="ada", roles=(Role.DEVELOPER,))


async def listed(hive: Hive, claims: Claims | None = None, **filters: object) -> list[UUID]:
    page = await hive.ask("list", ListTasks.model_validate(filters), TaskList, claims=claims)
    return [record.id for record in page.tasks]


async def test_a_list_is_filtered_by_what_the_record_says(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia", models=(ModelInfo(name="smollm2:135m", loaded=True), ModelInfo(name="llama3")))
    done = await hive.submit(owner="ada")
    await sidecar.complete(await sidecar.offered())
    await hive.ended(done)
    running = await hive.submit(model="llama3")
    await sidecar.offered()
    waiting = await hive.submit(owner="ada")
    await hive.stored(waiting)
    assert await listed(hive) == [waiting, running, done]
    assert await listed(hive, status=["queued", "completed"]) == [waiting, done]
    assert await listed(hive, agent_id="acacia") == [running, done]
    assert await listed(hive, model="llama3") == [running]
    assert await listed(hive, owner="ada") == [waiting, done]
    assert await listed(hive, owner="ada", status=["completed"], agent_id="birch") == []


async def test_a_list_shows_the_places_in_the_queue_as_one_task_does(hive: Hive) -> None:
    await hive.leading()
    later, urgent = await hive.submit(), await hive.submit(priority=1)
    await hive.stored(later)
    await hive.stored(urgent)
    page = await hive.ask("list", ListTasks(), TaskList)
    assert {record.id: record.position for record in page.tasks} == {urgent: 1, later: 2}
    assert (await hive.call("get", later)).position == 2


async def test_pages_show_every_task_once_though_others_arrive_meanwhile(hive: Hive) -> None:
    task_ids = [await hive.submit() for _ in range(7)]
    await hive.stored(task_ids[-1])
    seen, cursor = [], None
    while True:
        page = await hive.ask("list", ListTasks(limit=3, cursor=cursor), TaskList)
        seen += [record.id for record in page.tasks]
        late = await hive.submit()
        await hive.stored(late)
        if (cursor := page.next_cursor) is None:
            break
    assert seen == task_ids[::-1]


async def test_a_time_bounds_what_is_listed_and_is_counted_from_when_a_task_was_asked_for(hive: Hive) -> None:
    task_ids = [await hive.submit() for _ in range(3)]
    await hive.stored(task_ids[-1])
    times = [(await hive.call("get", task_id)).created_at for task_id in task_ids]
    assert await listed(hive, since=times[1]) == [task_ids[2], task_ids[1]]
    assert await listed(hive, before=times[1]) == [task_ids[0]]
    assert await listed(hive, since=times[1], before=times[2]) == [task_ids[1]]


@pytest.mark.parametrize("cursor", ["nonsense", "MjAyNC0wMS0wMSBub3QtYS11dWlk"])
async def test_a_cursor_that_no_list_gave_is_refused(hive: Hive, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        await listed(hive, cursor=cursor)


async def test_a_list_has_neither_prompts_nor_outputs(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    await hive.ended(task_id)
    [record] = (await hive.ask("list", ListTasks(), TaskList)).tasks
    assert (record.prompt, record.output, record.assigned_agent_id) == (None, None, "acacia")


async def test_without_the_permission_one_sees_one_s_own(hive: Hive) -> None:
    own, other = await hive.submit(owner="ada"), await hive.submit(owner="bob")
    await hive.stored(other)
    assert await listed(hive, ADA) == [own]
    assert await listed(hive, ADA, owner="bob") == [own]
    assert (await hive.ask("get", TaskRef(id=own), TaskRecord, claims=ADA)).owner == "ada"
    with pytest.raises(PermissionDenied):
        await hive.ask("get", TaskRef(id=other), TaskRecord, claims=ADA)
    with pytest.raises(PermissionDenied, match=r"bound to models\.view"):
        await listed(hive, ADA.model_copy(update={"scopes": ("models.view",)}))


async def test_a_task_that_is_only_on_the_stream_is_found_there(hive: Hive) -> None:
    """The leader cannot commit while another holds the row that every turn ends with."""
    await hive.leading()
    connection = await hive.database()
    async with connection.transaction():
        await connection.execute("SELECT FROM leadership FOR UPDATE")
        task_id = await hive.submit("Say hello", owner="ada", priority="high", metadata={"a": 1})
        record = await hive.call("get", task_id)
        assert await hive.sql("SELECT FROM tasks") == []
    assert (record.status, record.priority, record.owner, record.prompt) == (TaskStatus.QUEUED, 1, "ada", "Say hello")
    committed = await hive.until(task_id, lambda found: found.position == 1)
    assert abs(committed.created_at - record.created_at) < timedelta(milliseconds=1)
    assert committed == record.model_copy(update={"position": 1, "created_at": committed.created_at})


async def test_a_task_that_moves_from_the_stream_to_the_record_between_two_looks_is_found(
    hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hive.leading()
    connection, look = await hive.database(), hive.bus.last
    commit_held_up = connection.transaction()
    await commit_held_up.start()
    await connection.execute("SELECT FROM leadership FOR UPDATE")
    task_id = await hive.submit()

    async def too_late(stream: str, subject_filter: str) -> Received | None:
        await commit_held_up.rollback()
        async with asyncio.timeout(10):
            while found := await look(stream, subject_filter):
                await asyncio.sleep(0.01)
        return found

    monkeypatch.setattr(hive.bus, "last", too_late)
    pool = await open_pool(hive.database_url, 1)
    try:
        assert (await Reads(hive.bus, Statements(pool)).find(task_id, BUS_OPERATOR)).id == task_id
    finally:
        await pool.close()


async def test_a_dependent_task_that_is_only_on_the_stream_is_pending(hive: Hive) -> None:
    await hive.leading()
    connection = await hive.database()
    async with connection.transaction():
        await connection.execute("SELECT FROM leadership FOR UPDATE")
        task_id = await hive.submit(depends_on=[str(uuid4())])
        assert (await hive.call("get", task_id)).status is TaskStatus.PENDING


async def test_what_is_not_there_is_not_found(hive: Hive) -> None:
    await hive.leading()
    with pytest.raises(TaskNotFound):
        await hive.call("get", uuid4())
    with pytest.raises(AgentNotFound):
        await hive.agent("acacia")


async def test_agents_are_listed_with_what_they_have(hive: Hive) -> None:
    await hive.sidecar("birch", slots=2)
    changing = await hive.sidecar("acacia", slots=3)
    changing.models = (*changing.models, ModelInfo(name="llama3"))
    async with asyncio.timeout(10):
        while len((await hive.agent("acacia")).models) < 2:
            await asyncio.sleep(0.02)
    agents = (await hive.ask("list", NoReply(), AgentList, service="agents")).agents
    assert [(agent.agent_id, agent.slots, len(agent.models)) for agent in agents] == [("acacia", 3, 2), ("birch", 2, 1)]


async def test_a_list_shows_the_attempts_that_were_asked_for_though_a_requeue_allowed_more(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit(max_attempts=2)
    await sidecar.fail(await sidecar.offered(), retryable=False)
    await hive.ended(task_id)
    await hive.call("requeue", task_id)
    [listed] = (await hive.ask("list", ListTasks(), TaskList)).tasks
    assert (listed.max_attempts, (await hive.call("get", task_id)).max_attempts) == (2, 2)
