"""What the watch hears and keeps, and what stays as it was where keeping it fails."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import pytest

from bus import subjects
from bus.client import Closing, KeyHandler, Received
from bus.errors import BusUnavailable, DatabaseUnavailable, NoLeader
from bus.messages import AgentRecord, AgentStatus, ClusterStatus, TaskStatus
from bus.messages.alerts import Alert, AlertRule, AlertScope, AlertState, ListAlerts, RuleSet, RuleSource, Silence
from bus.overview import CLUSTER
from bus.testing import InMemoryBus
from monitor.alerting.conditions import parse
from monitor.alerting.hearing import Hearing
from monitor.alerting.record import AlertRecord
from monitor.alerting.samples import FRESH_SECONDS
from monitor.alerting.watch import Watch
from monitor.alerting.watched import Pages
from monitor.ingest import Ledger
from monitor.notifying.targets import Notice
from tests.unit.monitor.alerting.scene import NOON, Scene, rule
from tests.unit.monitor.events import task_event


class Alone(InMemoryBus):
    """Nobody answers, and it is known at once."""

    async def request_raw(self, *_: Any, **__: Any) -> Received:
        raise NoLeader("Nobody answers.", retry_after_seconds=1)


def a_ledger() -> Ledger:
    return Ledger(NOON, fresh_seconds=15, remembered=100)


def test_the_ledger_says_nothing_before_it_knows_the_past() -> None:
    ledger, counted = a_ledger(), asyncio.Event()
    ledger.count(task_event(model="qwen3:8b"))
    hearing = Hearing(InMemoryBus(), ledger, counted)
    hearing.look(NOON.timestamp())
    assert hearing.samples.keys(AlertScope.MODEL) == []
    counted.set()
    hearing.look(NOON.timestamp())
    assert hearing.samples.keys(AlertScope.MODEL) == ["qwen3:8b"]


def test_a_model_that_fails_now_is_seen_though_it_did_well_for_days() -> None:
    ledger, counted = a_ledger(), asyncio.Event()
    counted.set()
    for _ in range(50):
        ledger.count(task_event(model="qwen3:8b", timestamp=NOON - timedelta(hours=2)))
    for _ in range(5):
        ledger.count(task_event(TaskStatus.FAILED, model="qwen3:8b", timestamp=NOON))
    hearing = Hearing(InMemoryBus(), ledger, counted)
    hearing.look(NOON.timestamp())
    condition, key = parse("error_rate > 0.1 and completed >= 50", AlertScope.MODEL), (AlertScope.MODEL, "qwen3:8b")
    assert condition.holds(hearing.samples, key, NOON.timestamp()) is True
    assert condition.values(hearing.samples, key, NOON.timestamp()) == {"error_rate": 1.0, "completed": 50}


async def test_an_agent_s_retries_are_counted_under_the_seed_s_name_too() -> None:
    bus, ledger, counted = Alone(), a_ledger(), asyncio.Event()
    counted.set()
    ledger.count(task_event(TaskStatus.FAILED, agent_id="acacia", attempt=5))
    await bus.put(
        subjects.KV_AGENTS,
        "acacia",
        AgentRecord(agent_id="acacia", name="acacia", endpoint="http://host:11434", status=AgentStatus.ONLINE),
    )
    hearing = Hearing(bus, ledger, counted)
    await hearing.start()
    hearing.look(NOON.timestamp())
    condition = parse("retry_count > 3", AlertScope.AGENT)
    assert condition.holds(hearing.samples, (AlertScope.AGENT, "acacia"), NOON.timestamp()) is True
    assert Pages().next(hearing.samples, NOON).told[AlertScope.AGENT]["acacia"] == {
        "completed": 0,
        "failed": 1,
        "cancelled": 0,
        "retries": 4,
        "retry_count": 4,
    }
    await hearing.close()


async def test_how_much_waits_is_unknown_once_nobody_leads() -> None:
    bus, key = Alone(), (AlertScope.QUEUE, "high")
    hearing = Hearing(bus, a_ledger(), asyncio.Event())
    await hearing.start()
    await bus.put(subjects.KV_STATUS, CLUSTER, ClusterStatus(version="1", queue={"high": 500}, updated_at=NOON))
    now = time()
    hearing.look(now)
    assert hearing.samples.last(key, "waiting", now) == 500
    later = now + FRESH_SECONDS + 1
    hearing.look(later)
    assert hearing.samples.last(key, "waiting", later) is None
    await hearing.close()


@pytest.mark.parametrize(("age", "known"), [(5, 500), (FRESH_SECONDS + 5, None)])
async def test_what_a_leader_said_before_the_monitor_came_is_as_old_as_it_says(age: float, known: int | None) -> None:
    bus, now = Alone(), time()
    said = datetime.fromtimestamp(now - age, UTC)
    await bus.put(subjects.KV_STATUS, CLUSTER, ClusterStatus(version="1", queue={"high": 500}, updated_at=said))
    hearing = Hearing(bus, a_ledger(), asyncio.Event())
    await hearing.start()
    assert hearing.samples.last((AlertScope.QUEUE, "high"), "waiting", now) == known
    await hearing.close()


class Unwatched(Alone):
    """Away from the first watch on."""

    @property
    def heard_by(self) -> int:
        return len(self._subscriptions)

    async def watch(self, bucket: str, handler: KeyHandler) -> Closing:
        raise BusUnavailable("away", retry_after_seconds=1)


async def test_a_start_that_fails_leaves_nothing_behind_once_it_is_closed() -> None:
    bus = Unwatched()
    hearing = Hearing(bus, a_ledger(), asyncio.Event())
    with pytest.raises(BusUnavailable):
        await hearing.start()
    assert bus.heard_by == 2
    await hearing.close()
    assert bus.heard_by == 0


class Memory(AlertRecord):
    """The rows, without a database; `away` as one that is not there."""

    def __init__(self, *alerts: Alert) -> None:
        self.rows = {alert.id: alert for alert in alerts}
        self.away, self.asked = False, asyncio.Event()

    async def alive(self) -> None:
        self.asked.set()
        if self.away:
            raise DatabaseUnavailable("away", retry_after_seconds=1)

    async def known(self) -> list[Alert]:
        return list(self.rows.values())

    async def untold(self) -> list[Alert]:
        return []

    async def listed(self, asked: ListAlerts) -> list[Alert]:
        return list(self.rows.values())

    async def save(self, alerts: Sequence[Alert], notices: Sequence[Notice] = ()) -> None:
        if self.away:
            raise DatabaseUnavailable("away", retry_after_seconds=1)
        self.rows |= {alert.id: alert for alert in alerts}

    async def told(self, alert: Alert) -> None: ...

    async def forget(self, older_seconds: float) -> None: ...

    async def rules(self) -> Mapping[str, AlertRule] | None:
        return None

    async def silences(self, now: datetime) -> list[Silence]:
        return []


HOT = {"hot": rule("cpu_usage > 85")}


async def a_watch(record: Memory) -> Watch:
    rules = RuleSet(alerts=HOT, source=RuleSource.FILE)
    watch = Watch(Alone(), a_ledger(), rules, counted=asyncio.Event(), retain_seconds=0)
    await watch.take_up(record)
    return watch


async def test_what_could_not_be_kept_is_not_acknowledged() -> None:
    (fired,) = Scene(**HOT).hear(cpu_usage=90).judge()
    record = Memory(fired)
    watch = await a_watch(record)
    record.away = True
    with pytest.raises(DatabaseUnavailable):
        await watch.acknowledge(fired.id, "ann")
    record.away = False
    taken = await watch.acknowledge(fired.id, "bob")
    assert (taken.state, taken.acknowledged_by, taken.rank) == (AlertState.ACKNOWLEDGED, "bob", 2)
    assert record.rows[fired.id] == taken
    await watch.close()


async def test_a_watch_whose_session_is_lost_ends_though_nothing_changes() -> None:
    record = Memory()
    watch = await a_watch(record)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(5):
        await record.asked.wait()
    record.away = True
    with pytest.raises(DatabaseUnavailable):
        async with asyncio.timeout(10):
            await running
    await watch.close()
