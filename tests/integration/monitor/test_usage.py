"""What was used, on a real bus and in a real PostgreSQL: counted once, in its day, with its energy; and quotas that the doors hear of."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from bus import subjects
from bus.client import Received
from bus.database import migrate_by, open_pool
from bus.errors import NotFound, QuotaExceeded
from bus.messages import Claims, EventType, NoReply, Role, TaskChange, TaskEvent, TaskStatus, Timings, Usage
from bus.messages.events import QuotaEvent
from bus.messages.usage import (
    ListUsage,
    PutQuota,
    Quota,
    QuotaKind,
    QuotaList,
    QuotaPeriod,
    QuotaRef,
    QuotaUnit,
    SlowHosts,
    UsageBy,
    UsageReport,
    UsageRow,
)
from bus.nats_bus import NatsBus
from bus.quotas import Quotas
from bus.together import end
from monitor.archive import Archive
from monitor.cache import Cache
from monitor.replica import Reading
from monitor.settings import MonitorSettings
from monitor.sql import migrations
from monitor.upkeep import Upkeep
from monitor.usage import counting, usage
from monitor.usage.counting import Measured, always
from monitor.usage.usage import UsageReads
from tests.integration.monitor.parts import publish
from tests.unit.monitor.events import metrics

KEY, FLOW = UUID("22222222-2222-4222-8222-222222222222"), UUID("33333333-3333-4333-8333-333333333333")
ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,), key_id=KEY)
TOKENS_A_DAY = QuotaRef(kind=QuotaKind.USER, name="anna", unit=QuotaUnit.TOKENS, period=QuotaPeriod.DAY)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(database_url, migrations(), "monitor_migrations")
    pool = await open_pool(database_url, 4)
    await Upkeep(pool, MonitorSettings(database_url=SecretStr(database_url)), lambda: False).once(datetime.now(UTC))
    yield pool
    pool.terminate()


class Kept:
    """The part of a monitor that counts, as a task that a test may end and begin again."""

    def __init__(self, bus: NatsBus, pool: asyncpg.Pool, measured: Measured = always) -> None:
        self._bus, self._pool, self._measured = bus, pool, measured
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        reading = Reading(self._pool, None, 30)
        keeping = usage.keep(self._bus, self._pool, reading, Cache(None), 0, measured=self._measured)
        self._task = asyncio.create_task(keeping)

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        await end([self._task])


def ended(
    owner: str = "anna",
    *,
    flow: UUID | None = None,
    tokens: int = 50,
    seconds: float = 2.0,
    status: TaskStatus = TaskStatus.COMPLETED,
) -> TaskEvent:
    task_id = uuid4()
    completed = status is TaskStatus.COMPLETED
    return TaskEvent(
        id=f"{task_id}.1003.{status}",
        type=EventType.TASK_COMPLETED if completed else EventType.TASK_FAILED,
        source="coordinator",
        timestamp=datetime.now(UTC),
        data=TaskChange(
            task_id=task_id,
            status=status,
            rank=1003,
            priority=3,
            owner=owner,
            key_id=KEY if owner == "anna" else None,
            workflow_id=FLOW if owner == "anna" else flow,
            model="llama3.2:3b",
            agent_id="acacia",
            attempt=1,
            usage=Usage(prompt_tokens=10, completion_tokens=tokens) if completed else None,
            timings=Timings(total_seconds=seconds, generation_seconds=seconds / 2) if completed else None,
        ),
    )


async def ask(bus: NatsBus, verb: str, body: NoReply | ListUsage | PutQuota | QuotaRef, answer: type) -> object:
    return await bus.request(subjects.service_verb(subjects.SERVICE_USAGE, verb), body, answer, timeout=10)


async def rows(bus: NatsBus, by: UsageBy) -> dict[str | None, UsageRow]:
    found = await ask(bus, "report", ListUsage(by=by), UsageReport)
    assert isinstance(found, UsageReport)
    return {row.name: row for row in found.rows}


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)


def has_counted(bus: NatsBus, number: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return sum(row.tasks for row in (await rows(bus, UsageBy.USER)).values()) == number

    return look


async def test_what_was_used_is_told_by_user_key_model_workflow_and_day(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    now = datetime.now(UTC)
    for before, watts, tasks in ((1, 300.0, 2), (3, 300.0, 2), (90, 5.0, 1)):
        body = f'{{"gpu_power_watts": {watts}, "active_tasks": {tasks}}}'
        await pool.execute("INSERT INTO agent_metrics VALUES ('acacia', $1, $2)", now - timedelta(seconds=before), body)
    async with Kept(nats_bus, pool):
        for event in (ended(), ended(tokens=70), ended("bea", seconds=1), ended("bea", status=TaskStatus.FAILED)):
            await publish(nats_bus, event)
        await eventually(has_counted(nats_bus, 4))
        users = await rows(nats_bus, UsageBy.USER)
        anna = users["anna"]
        assert (anna.tasks, anna.prompt_tokens, anna.completion_tokens, anna.seconds) == (2, 20, 120, 4.0)
        assert anna.watt_hours == pytest.approx(150 * 4 / 3600)  # two tasks shared 300 W
        energy = PutQuota(kind=QuotaKind.USER, name="anna", unit=QuotaUnit.WATT_HOURS, period=QuotaPeriod.DAY, most=0.1)
        put = await ask(nats_bus, "put_quota", energy, Quota)
        assert isinstance(put, Quota)
        assert put.used == pytest.approx(150 * 4 / 3600)
        own = PutQuota(kind=QuotaKind.WORKFLOW, name=str(FLOW), unit=QuotaUnit.TOKENS, period=QuotaPeriod.DAY, most=100)
        of_flow = await ask(nats_bus, "put_quota", own, Quota)
        assert isinstance(of_flow, Quota)
        assert of_flow.used == 140
        doors = Quotas(nats_bus)
        await doors.start()
        bea = Claims(sub="bea", roles=(Role.DEVELOPER,))
        doors.require(bea, datetime.now(UTC))
        with pytest.raises(QuotaExceeded, match=f"workflow {FLOW}, 100 tokens a day"):
            doors.require(bea, datetime.now(UTC), FLOW)
        with pytest.raises(QuotaExceeded, match=r"user anna, 0\.1 watt hours a day"):
            doors.require(ANNA, datetime.now(UTC))
        await doors.close()
        assert (users["bea"].tasks, users["bea"].completion_tokens, users["bea"].seconds) == (2, 50, 1.0)
        assert (await rows(nats_bus, UsageBy.KEY))[str(KEY)].tasks == 2
        assert (await rows(nats_bus, UsageBy.WORKFLOW))[None].tasks == 2
        assert (await rows(nats_bus, UsageBy.MODEL))["llama3.2:3b"].completion_tokens == 170
        assert list(await rows(nats_bus, UsageBy.DAY)) == [datetime.now(UTC).date().isoformat()]
    speed = await pool.fetchrow("SELECT sum(tokens) AS tokens, sum(generation_seconds) AS seconds FROM agent_speed_hours")
    assert (speed["tokens"], speed["seconds"]) == (170, 2.5)


async def test_what_ended_while_no_monitor_was_there_is_counted_and_what_is_told_twice_once(
    nats_bus: NatsBus, pool: asyncpg.Pool
) -> None:
    first, later = ended(), ended(tokens=7)
    async with Kept(nats_bus, pool):
        await publish(nats_bus, first)
        await eventually(has_counted(nats_bus, 1))
    await publish(nats_bus, later)
    await publish(nats_bus, first, message_id="the server has forgotten the first id")
    async with Kept(nats_bus, pool):
        await eventually(has_counted(nats_bus, 2))
        await publish(nats_bus, ended(tokens=1))
        await eventually(has_counted(nats_bus, 3))
        assert (await rows(nats_bus, UsageBy.USER))["anna"].completion_tokens == 58


async def test_after_an_outage_ends_wait_for_what_was_measured_and_have_their_energy(
    nats_bus: NatsBus, pool: asyncpg.Pool
) -> None:
    archive, asked = Archive(nats_bus, pool), asyncio.Event()

    def measured(at: datetime) -> bool:
        asked.set()
        return archive.has(at)

    before = (await nats_bus.stream_state(subjects.METRICS)).last_sequence
    await nats_bus.publish(subjects.metrics("acacia"), metrics("acacia", gpu_power_watts=300, active_tasks=1))
    await eventually(lambda: has_stored(nats_bus, before + 1))
    await publish(nats_bus, ended(seconds=4))
    async with Kept(nats_bus, pool, measured):
        async with asyncio.timeout(10):
            await asked.wait()
        archiving = asyncio.create_task(archive.run())
        await eventually(has_counted(nats_bus, 1))
        assert (await rows(nats_bus, UsageBy.USER))["anna"].watt_hours == pytest.approx(300 * 4 / 3600)
    await end([archiving])


async def test_ends_do_not_wait_for_ever_for_what_was_measured(
    nats_bus: NatsBus, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MEASURED_SECONDS", 0.2)
    await publish(nats_bus, ended())
    async with Kept(nats_bus, pool, lambda at: False):
        await eventually(has_counted(nats_bus, 1))
        await publish(nats_bus, ended())
        await eventually(has_counted(nats_bus, 2))


async def test_a_quota_is_told_near_its_end_refuses_at_it_and_goes_on_refusing_while_the_monitor_is_away(
    nats_bus: NatsBus, pool: asyncpg.Pool
) -> None:
    told: list[QuotaEvent] = []

    async def hear(received: Received) -> None:
        told.append(received.decode(QuotaEvent))

    hearing = await nats_bus.subscribe(subjects.events("quota.*"), hear)
    doors = Quotas(nats_bus)
    await doors.start()
    async with Kept(nats_bus, pool):
        quota = await ask(nats_bus, "put_quota", PutQuota(**dict(TOKENS_A_DAY), most=100), Quota)
        assert isinstance(quota, Quota)
        assert (quota.used, quota.most) == (0, 100)
        await publish(nats_bus, ended(tokens=75))
        await eventually(heard(told, 1))
        doors.require(ANNA, datetime.now(UTC))
        await publish(nats_bus, ended(tokens=10))
        await eventually(heard(told, 2))
        assert [event.type for event in told] == [EventType.QUOTA_WARNING, EventType.QUOTA_EXCEEDED]
        assert (told[0].data.owner, told[0].data.quota.used) == ("anna", 85)
        await eventually(refuses(doors))
    with pytest.raises(QuotaExceeded):
        doors.require(ANNA, datetime.now(UTC))
    doors.require(ANNA, datetime.now(UTC) + timedelta(days=1))
    doors.require(Claims(sub="bea", roles=(Role.DEVELOPER,)), datetime.now(UTC))
    async with Kept(nats_bus, pool):
        await publish(nats_bus, ended(tokens=1))
        await eventually(has_counted(nats_bus, 3))
        left = await ask(nats_bus, "remove_quota", TOKENS_A_DAY, QuotaList)
        assert left == QuotaList(quotas=())
        with pytest.raises(NotFound):
            await ask(nats_bus, "remove_quota", TOKENS_A_DAY, QuotaList)
    assert len(told) == 2
    await eventually(lambda: negated(refuses(doors)))
    await doors.close()
    await hearing.close()


async def test_everybody_who_ran_a_workflow_is_told_of_its_quota(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    told: list[QuotaEvent] = []

    async def hear(received: Received) -> None:
        told.append(received.decode(QuotaEvent))

    hearing = await nats_bus.subscribe(subjects.events("quota.*"), hear)
    async with Kept(nats_bus, pool):
        for event in (ended(), ended("bea", flow=FLOW), ended("cleo")):
            await publish(nats_bus, event)
        await eventually(has_counted(nats_bus, 3))
        own = PutQuota(kind=QuotaKind.WORKFLOW, name=str(FLOW), unit=QuotaUnit.TOKENS, period=QuotaPeriod.DAY, most=100)
        await ask(nats_bus, "put_quota", own, Quota)
        await eventually(heard(told, 1))
    assert told[0].data.owners == ("anna", "bea")
    await hearing.close()


async def test_a_quota_of_a_later_version_is_left_as_it_is(nats_bus: NatsBus, pool: asyncpg.Pool) -> None:
    """As after a way back: the monitor ended at it, again and again."""
    await pool.execute("INSERT INTO quotas VALUES ('key', $1, 'pages', 'day', 7, 'admin')", str(KEY))
    later, over = f"key.{str(KEY).encode().hex()}.pages.day", f"key.{str(KEY).encode().hex()}.tokens.month"
    others = f"team.acme.{b'chem'.hex()}.tokens.day"  # of a kind that is named otherwise
    for key in (later, over, others):
        await nats_bus.put(subjects.KV_QUOTAS, key, b"{}")
    async with Kept(nats_bus, pool):
        await publish(nats_bus, ended())
        await eventually(has_counted(nats_bus, 1))
        assert await ask(nats_bus, "quotas", NoReply(), QuotaList) == QuotaList(quotas=())
        await ask(nats_bus, "put_quota", PutQuota(**dict(TOKENS_A_DAY), most=100), Quota)
        assert set(await nats_bus.keys(subjects.KV_QUOTAS)) == {later, others, f"user.{b'anna'.hex()}.tokens.day"}


async def has_stored(bus: NatsBus, position: int) -> bool:
    return (await bus.stream_state(subjects.METRICS)).last_sequence == position


def heard(told: list[QuotaEvent], number: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return len(told) >= number

    return look


def refuses(doors: Quotas) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        try:
            doors.require(ANNA, datetime.now(UTC))
        except QuotaExceeded:
            return True
        return False

    return look


async def negated(look: Callable[[], Awaitable[bool]]) -> bool:
    return not await look()


async def test_the_same_report_is_asked_of_postgresql_once_in_a_moment_and_each_tenant_has_its_own(
    pool: asyncpg.Pool, valkey_url: str
) -> None:
    async def used(tenant: str, tasks: int) -> None:
        body = "INSERT INTO usage_days VALUES ((now() AT TIME ZONE 'UTC')::date, $1, 'anna', NULL, 'small', NULL, $2, 1, 1, 1, NULL)"
        await pool.execute(body, tenant, tasks)

    await used("wood", 3)
    await used("stone", 5)
    cache = Cache(valkey_url)
    reads = UsageReads(Reading(pool, None, 30), cache)

    async def tasks(tenant: str | None, by: UsageBy = UsageBy.MODEL) -> list[int]:
        return [row.tasks for row in (await reads.report(ListUsage(by=by), tenant)).rows]

    assert [await tasks(tenant) for tenant in ("wood", "stone", None, "sand")] == [[3], [5], [8], []]
    assert await reads.slow() == SlowHosts(hosts=())
    await pool.execute("DROP TABLE usage_days, agent_speed_hours CASCADE")
    assert [await tasks(tenant) for tenant in ("wood", "stone", None, "sand")] == [[3], [5], [8], []]
    assert await reads.slow() == SlowHosts(hosts=())
    with pytest.raises(asyncpg.UndefinedTableError):
        await tasks("wood", UsageBy.USER)
    await cache.close()
