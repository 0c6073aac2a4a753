"""Schedules on a real bus and a real record: what is stored, what comes due, and that each due time is one task."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from bus import subjects
from bus.client import Received
from bus.errors import (
    Conflict,
    HiveError,
    InvalidCron,
    InvalidRequest,
    PermissionDenied,
    ScheduleNotFound,
    TooManySchedules,
    UnknownModel,
    UnknownTimeZone,
)
from bus.messages import (
    ChangeSchedule,
    Claims,
    CreateKey,
    CreateSchedule,
    IssuedKey,
    KeyRecord,
    KeyRef,
    ListSchedules,
    NextTimes,
    NoReply,
    Role,
    RunSchedule,
    ScheduleEvent,
    ScheduleList,
    ScheduleRecord,
    ScheduleRef,
    TaskRecord,
    TaskStatus,
    Timing,
)
from bus.messages.people import CreateUser, SetRoles, UserRecord
from coordinator.schedules.firing import Firing
from coordinator.schedules.schedule import task_id_of
from coordinator.store.database import Statements
from tests.integration.coordinator.conftest import Hive

ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,))
BEN = Claims(sub="ben", roles=(Role.DEVELOPER,))
VIEWER = Claims(sub="anna", roles=(Role.VIEWER,))
RARE = "0 0 29 2 *"
"""So that nothing comes due but what a test moves."""


async def create(hive: Hive, name: str = "nightly", claims: Claims | None = ANNA, **more: object) -> ScheduleRecord:
    asked = CreateSchedule.model_validate({"name": name, "cron": RARE, "task": {"prompt": "hi"}, **more})
    return await hive.ask("create", asked, ScheduleRecord, service="schedules", seconds=20, claims=claims)


async def get(hive: Hive, schedule: ScheduleRecord, claims: Claims | None = None) -> ScheduleRecord:
    return await hive.ask("get", ScheduleRef(id=schedule.id), ScheduleRecord, service="schedules", claims=claims)


async def update(hive: Hive, schedule: ScheduleRecord, claims: Claims | None = ANNA, **wish: object) -> ScheduleRecord:
    body = ChangeSchedule.model_validate({"id": schedule.id, **wish}).model_dump_json(exclude_unset=True).encode()
    return await hive.ask("update", body, ScheduleRecord, service="schedules", claims=claims)


async def has_come_due(hive: Hive, schedule: ScheduleRecord, ago: timedelta = timedelta(seconds=1)) -> datetime:
    """As time would have it; again in a year."""
    at = (datetime.now(UTC) - ago).replace(second=0, microsecond=0)
    await is_due(hive, schedule, at)
    return at


async def is_due(hive: Hive, schedule: ScheduleRecord, at: datetime) -> None:
    once_a_year = f"{at.minute} {at.hour} {at.day} {at.month} *"
    moved = "UPDATE schedules SET cron = $3, next_due = $2, last_due = NULL WHERE id = $1"
    await hive.sql(moved, schedule.id, at, once_a_year)


async def moved(hive: Hive, schedule: ScheduleRecord, at: datetime) -> ScheduleRecord:
    """Until it has been moved on from that due time."""
    async with asyncio.timeout(15):
        while (record := await get(hive, schedule)).last_due != at:
            await asyncio.sleep(0.02)
    return record


async def tasks_of(hive: Hive) -> list[Any]:
    return await hive.sql("SELECT id, owner, status, request FROM tasks ORDER BY created_at")


# What comes due


async def test_a_due_time_brings_the_task_of_its_owner_and_the_schedule_moves_on(hive: Hive) -> None:
    told = asyncio.Queue[Received]()
    await hive.bus.subscribe(subjects.events("schedule.*"), told.put)
    schedule = await create(hive, task={"prompt": "Say hello", "priority": "high", "title": "Greeting"})
    at = await has_come_due(hive, schedule)
    record = await moved(hive, schedule, at)
    assert (record.last_due, record.last_task_id, record.last_problem) == (at, task_id_of(schedule.id, at), None)
    assert record.next_due is not None
    assert record.next_due > at
    sidecar = await hive.sidecar("acacia")
    await sidecar.complete(await sidecar.offered())
    task = await hive.ended(task_id_of(schedule.id, at))
    assert (task.status, task.owner, task.priority, task.title) == (TaskStatus.COMPLETED, "anna", 1, "Greeting")
    async with asyncio.timeout(10):
        received = await told.get()
    event = received.decode(ScheduleEvent)
    assert (event.type, event.data.task_id, event.data.due_at) == ("schedule.fired", task.id, at)
    assert await hive.bus.last(subjects.PROGRESS, received.subject) is not None


async def test_a_leader_that_died_between_submit_and_commit_leaves_one_task(hive: Hive) -> None:
    """The next one submits the same due time again: by the bus's memory of ids, and beyond it by the record."""
    schedule = await create(hive)
    at = await has_come_due(hive, schedule)
    await moved(hive, schedule, at)
    await hive.stored(task_id_of(schedule.id, at))
    for forget_ids in (False, True):
        if forget_ids:
            await hive.bus.client.jetstream().purge_stream(subjects.TASKS)
            await forget(hive)
        await is_due(hive, schedule, at)
        await moved(hive, schedule, at)
        marker = await hive.submit()
        await hive.stored(marker)
        ids = [row["id"] for row in await tasks_of(hive) if row["owner"] == "anna"]
        assert ids.count(task_id_of(schedule.id, at)) == 1


async def forget(hive: Hive) -> None:
    """What the server remembers of message ids, as it does by itself after two minutes."""
    js = hive.bus.client.jetstream()
    config = (await js.stream_info(subjects.TASKS)).config
    window = config.duplicate_window
    config.duplicate_window = 0.1
    await js.update_stream(config)
    await asyncio.sleep(0.2)
    config.duplicate_window = window
    await js.update_stream(config)


async def test_a_takeover_submits_what_came_due_meanwhile_once(hive: Hive) -> None:
    [first] = hive.coordinators
    schedule = await create(hive)
    await hive.stop(first)
    at = await has_come_due(hive, schedule)
    for _ in range(2):
        hive.start_coordinator()
    record = await moved(hive, schedule, at)
    assert record.last_task_id is not None
    await hive.stored(record.last_task_id)
    assert [row["id"] for row in await tasks_of(hive)] == [task_id_of(schedule.id, at)]


async def test_a_leader_that_was_deposed_moves_no_schedule(hive: Hive) -> None:
    await hive.leading()  # the epoch is 1 from here on
    schedule = await create(hive)
    [leader] = hive.coordinators
    await hive.stop(leader)
    at = await has_come_due(hive, schedule)
    connection = await hive.database()

    async def cancel(_task_id: UUID) -> None: ...

    await Firing(hive.bus, Statements(connection), 0, cancel).look(datetime.now(UTC))
    assert [row["next_due"] for row in await hive.sql("SELECT next_due FROM schedules")] == [at]


async def test_times_that_were_missed_are_skipped_when_the_owner_says_so(hive: Hive) -> None:
    told = asyncio.Queue[Received]()
    await hive.bus.subscribe(subjects.events("schedule.*"), told.put)
    schedule = await create(hive, catch_up="none")
    at = await has_come_due(hive, schedule, timedelta(hours=2))
    record = await moved(hive, schedule, at)
    assert record.last_problem is not None
    assert record.last_problem.code == "no_leader"
    async with asyncio.timeout(10):
        assert (await told.get()).decode(ScheduleEvent).type == "schedule.skipped"
    assert await tasks_of(hive) == []


@pytest.mark.parametrize(("overlap", "tasks"), [("allow", 2), ("skip", 1), ("cancel_last", 2)])
async def test_a_time_that_comes_while_the_last_task_goes_on(hive: Hive, overlap: str, tasks: int) -> None:
    schedule = await create(hive, overlap=overlap)
    before = await has_come_due(hive, schedule, timedelta(minutes=2))
    first = (await moved(hive, schedule, before)).last_task_id
    assert first is not None
    await hive.stored(first)
    at = await has_come_due(hive, schedule)
    record = await moved(hive, schedule, at)
    if overlap == "skip":
        assert record.last_problem is not None
        assert (record.last_problem.code, record.last_task_id) == ("conflict", first)
    else:
        assert record.last_task_id != first
        assert record.last_task_id is not None
        await hive.stored(record.last_task_id)
    assert len(await tasks_of(hive)) == tasks
    assert (await hive.call("get", first)).status is (TaskStatus.CANCELLED if overlap == "cancel_last" else TaskStatus.QUEUED)


async def test_a_time_that_comes_when_the_last_task_has_ended_is_not_skipped(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    schedule = await create(hive, overlap="skip")
    before = await has_come_due(hive, schedule, timedelta(minutes=2))
    first = (await moved(hive, schedule, before)).last_task_id
    assert first is not None
    await sidecar.complete(await sidecar.offered())
    await hive.ended(first)
    record = await moved(hive, schedule, await has_come_due(hive, schedule))
    assert (record.last_task_id == first, record.last_problem) == (False, None)


# Whose rights


async def key_of(hive: Hive, owner: str, *models: str) -> tuple[KeyRecord, Claims]:
    issued = await hive.ask("create", CreateKey(owner=owner, models=models), IssuedKey, service="keys", seconds=20)
    return issued.record, Claims(sub=owner, roles=(Role.DEVELOPER,), models=models, key_id=issued.record.id)


async def test_a_schedule_whose_key_was_revoked_is_paused_until_its_owner_resumes_it_with_one_that_holds(hive: Hive) -> None:
    key, claims = await key_of(hive, "anna")
    schedule = await create(hive, claims=claims)
    await hive.ask("revoke", KeyRef(id=key.id), KeyRecord, service="keys")
    record = await moved(hive, schedule, await has_come_due(hive, schedule))
    assert (record.enabled, record.next_due, record.last_task_id) == (False, None, None)
    assert record.last_problem is not None
    assert record.last_problem.code == "permission_denied"
    assert await tasks_of(hive) == []
    with pytest.raises(PermissionDenied, match="revoked"):
        await hive.ask("run", RunSchedule(id=schedule.id, task_id=uuid4()), TaskRecord, service="schedules", claims=claims)
    with pytest.raises(PermissionDenied, match="Only anna can resume it"):
        await update(hive, schedule, claims=None, enabled=True)
    _, fresh = await key_of(hive, "anna")
    resumed = await update(hive, schedule, claims=fresh, enabled=True)
    assert (resumed.enabled, resumed.last_problem) == (True, None)
    assert resumed.next_due is not None
    assert (await moved(hive, schedule, await has_come_due(hive, schedule))).last_task_id is not None


async def test_a_schedule_of_who_signed_in_has_the_roles_of_now(hive: Hive) -> None:
    anna = await hive.ask("create", CreateUser(name="anna"), UserRecord, service="users", seconds=20)
    claims = Claims(sub="anna", roles=anna.roles, user_id=anna.id, session_id=uuid4())
    schedule = await create(hive, claims=claims)
    await hive.ask("roles", SetRoles(name="anna", roles=(Role.VIEWER,)), UserRecord, service="users")
    record = await moved(hive, schedule, await has_come_due(hive, schedule))
    assert record.last_problem is not None
    assert (record.enabled, record.last_problem.code) == (False, "permission_denied")
    assert await tasks_of(hive) == []


async def test_a_model_that_the_key_may_not_use_is_refused_when_the_schedule_is_made_and_when_it_is_changed(hive: Hive) -> None:
    await hive.sidecar("acacia")
    _, claims = await key_of(hive, "anna", "smollm2:135m")
    for task in ({"prompt": "hi", "model": "qwen3:8b"}, {"prompt": "hi"}):
        with pytest.raises(PermissionDenied, match="smollm2:135m"):
            await create(hive, claims=claims, task=task)
    schedule = await create(hive, claims=claims, task={"prompt": "hi", "model": "smollm2:135m"})
    with pytest.raises(PermissionDenied):
        await update(hive, schedule, claims=claims, task={"prompt": "hi", "model": "qwen3:8b"})
    with pytest.raises(PermissionDenied):  # an administrator lends it no rights
        await update(hive, schedule, claims=None, task={"prompt": "hi", "model": "qwen3:8b"})
    with pytest.raises(UnknownModel, match="smollm2"):
        await create(hive, name="other", task={"prompt": "hi", "model": "smolm"})


async def test_a_schedule_is_its_owner_s(hive: Hive) -> None:
    schedule = await create(hive)
    assert (await get(hive, schedule, ANNA)).id == schedule.id
    assert (await get(hive, schedule)).owner == "anna"  # an operator
    verbs: list[tuple[str, Any]] = [
        ("get", ScheduleRef(id=schedule.id)),
        ("update", ChangeSchedule(id=schedule.id)),
        ("delete", ScheduleRef(id=schedule.id)),
        ("run", RunSchedule(id=schedule.id, task_id=uuid4())),
    ]
    for verb, body in verbs:
        with pytest.raises(PermissionDenied):
            await hive.ask(verb, body, NoReply, service="schedules", claims=BEN)
    with pytest.raises(PermissionDenied):
        await create(hive, claims=VIEWER)
    with pytest.raises(PermissionDenied):
        await hive.ask("run", RunSchedule(id=schedule.id, task_id=uuid4()), NoReply, service="schedules", claims=VIEWER)


# The record


async def test_a_schedule_is_told_as_it_was_asked_for(hive: Hive) -> None:
    asked = {"time_zone": "Europe/Berlin", "catch_up": "all", "overlap": "skip", "ends_at": "2100-01-01T00:00:00Z"}
    schedule = await create(hive, cron="30 7 * * 1-5", task={"prompt": "hi", "priority": 2}, **asked)
    assert await get(hive, schedule) == schedule
    assert (schedule.owner, schedule.enabled, schedule.time_zone, schedule.catch_up) == ("anna", True, "Europe/Berlin", "all")
    assert schedule.task is not None
    assert (schedule.task.prompt, schedule.task.priority) == ("hi", 2)
    preview = Timing(cron="30 7 * * 1-5", time_zone="Europe/Berlin")
    times = (await hive.ask("preview", preview, NextTimes, service="schedules", claims=VIEWER)).times
    assert len(times) == 5
    assert times[0] == schedule.next_due


async def test_lists_hold_no_prompts_and_come_in_pages(hive: Hive) -> None:
    made = [await create(hive, name=f"s{number}") for number in range(3)]
    await create(hive, name="other", claims=BEN)
    first = await hive.ask("list", ListSchedules(limit=2), ScheduleList, service="schedules", claims=ANNA)
    rest = await hive.ask("list", ListSchedules(cursor=first.next_cursor), ScheduleList, service="schedules", claims=ANNA)
    assert [record.id for record in (*first.schedules, *rest.schedules)] == [record.id for record in reversed(made)]
    assert rest.next_cursor is None
    assert all(record.task is None for record in first.schedules)
    everybody = await hive.ask("list", ListSchedules(), ScheduleList, service="schedules")
    assert {record.owner for record in everybody.schedules} == {"anna", "ben"}


async def test_a_change_leaves_the_rest_and_keeps_a_time_that_is_due_unless_the_timing_changes(hive: Hive) -> None:
    schedule = await create(hive, ends_at="2100-01-01T00:00:00Z")
    soon = datetime.now(UTC) + timedelta(minutes=5)
    await hive.sql("UPDATE schedules SET next_due = $2 WHERE id = $1", schedule.id, soon)
    renamed = await update(hive, schedule, name="daily", task={"prompt": "ho"})
    assert (renamed.name, renamed.next_due, renamed.ends_at) == ("daily", soon, schedule.ends_at)
    assert renamed.task is not None
    assert renamed.task.prompt == "ho"
    timed = await update(hive, schedule, cron="@daily", ends_at=None)
    assert (timed.cron, timed.ends_at) == ("@daily", None)
    assert timed.next_due not in (None, soon)
    paused = await update(hive, schedule, enabled=False)
    assert (paused.enabled, paused.next_due) == (False, None)
    resumed = await update(hive, schedule, enabled=True)
    assert (resumed.enabled, resumed.next_due) == (True, timed.next_due)


async def test_what_is_not_valid_is_refused_with_a_code_that_says_what(hive: Hive) -> None:
    refusals: list[tuple[type[HiveError], dict[str, object]]] = [
        (InvalidCron, {"cron": "61 * * * *"}),
        (InvalidCron, {"cron": "* * * * * *"}),
        (UnknownTimeZone, {"time_zone": "Europe/Atlantis"}),
        (InvalidRequest, {"ends_at": "2001-01-01T00:00:00Z"}),
    ]
    for expected, wrong in refusals:
        with pytest.raises(expected):
            await create(hive, **wrong)
    schedule = await create(hive)
    with pytest.raises(InvalidCron, match="The field minute, '61'"):
        await update(hive, schedule, cron="61 * * * *")
    with pytest.raises(InvalidRequest, match="before `starts_at`"):
        await update(hive, schedule, starts_at="2050-01-01T00:00:00Z", ends_at="2049-01-01T00:00:00Z")
    with pytest.raises(Conflict, match="already"):
        await create(hive)
    other = await create(hive, name="other")
    with pytest.raises(Conflict, match="already"):
        await update(hive, other, name="nightly")
    with pytest.raises(ScheduleNotFound):
        await hive.ask("get", ScheduleRef(id=uuid4()), ScheduleRecord, service="schedules")


async def test_an_owner_has_so_many_schedules_and_no_more(idle_hive: Hive) -> None:
    idle_hive.start_coordinator(schedules_per_owner=2, admin_key=SecretStr("sk-hive-0123456789abcdef0123456789abcdef"))
    for number in range(2):
        await create(idle_hive, name=f"s{number}")
    with pytest.raises(TooManySchedules, match="anna has 2 schedules"):
        await create(idle_hive, name="s2")
    await create(idle_hive, name="s2", claims=BEN)


async def test_a_schedule_runs_now_when_somebody_says_so_and_stays_at_its_time(hive: Hive) -> None:
    schedule, task_id = await create(hive, enabled=False), uuid4()
    run = RunSchedule(id=schedule.id, task_id=task_id)
    for _ in range(2):  # the same order twice is one task
        task = await hive.ask("run", run, TaskRecord, service="schedules", claims=ANNA)
    assert (task.id, task.owner, task.prompt) == (task_id, "anna", "hi")
    await hive.stored(task_id)
    record = await get(hive, schedule)
    assert (record.last_task_id, record.last_due, record.next_due) == (task_id, None, None)
    assert len(await tasks_of(hive)) == 1


async def test_a_schedule_that_is_removed_is_gone_and_its_tasks_stay(hive: Hive) -> None:
    schedule = await create(hive)
    task_id = (await moved(hive, schedule, await has_come_due(hive, schedule))).last_task_id
    assert task_id is not None
    await hive.ask("delete", ScheduleRef(id=schedule.id), NoReply, service="schedules", claims=ANNA)
    with pytest.raises(ScheduleNotFound):
        await get(hive, schedule)
    assert (await hive.call("get", task_id)).owner == "anna"


async def test_a_schedule_that_this_version_cannot_read_holds_up_no_other(hive: Hive) -> None:
    strange, plain = await create(hive, name="strange"), await create(hive, name="plain")
    await hive.sql('UPDATE schedules SET request = \'{"prompt": "hi", "colour": "blue"}\' WHERE id = $1', strange.id)
    await has_come_due(hive, strange)
    await moved(hive, plain, await has_come_due(hive, plain))
    [row] = await hive.sql("SELECT enabled, problem FROM schedules WHERE id = $1", strange.id)
    assert (row["enabled"], "colour" in row["problem"]) == (False, True)
