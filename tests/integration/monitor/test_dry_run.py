"""Dry runs over what a real PostgreSQL holds."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from pydantic import SecretStr

from bus.database import migrate_by, open_pool
from bus.errors import InvalidRequest, NoHistory
from bus.messages.alerts import AlertScope, DryRun
from bus.messages.history import Resolution
from monitor.alerting.chronicle import Chronicle
from monitor.alerting.dry_run import DryRuns
from monitor.alerting.samples import Samples
from monitor.alerting.watched import EVERY, KEPT
from monitor.past import Past
from monitor.replica import Reading
from monitor.settings import MonitorSettings
from monitor.sql import migrations
from monitor.upkeep import Upkeep
from tests.unit.monitor.alerting.scene import rule

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_by(database_url, migrations(), "monitor_migrations")
    pool = await open_pool(database_url, 2)
    yield pool
    pool.terminate()


@pytest.fixture
async def runs(pool: asyncpg.Pool) -> DryRuns:
    """With an hour of acacia and walnut, of which acacia is hot for ten minutes and walnut says nothing for five."""
    await Upkeep(pool, MonitorSettings(database_url=SecretStr("postgresql:///unused")), lambda: True).once(NOON)
    await _store(pool, "acacia", range(0, 3600, 5), hot=range(600, 1200))
    await _store(pool, "walnut", [*range(0, 1800, 5), *range(2100, 3600, 5)])
    past = Past(Reading(pool, None, 30))
    return DryRuns(lambda: past)


async def _store(pool: asyncpg.Pool, agent_id: str, seconds: "range | list[int]", hot: range = range(0)) -> None:
    rows = [
        (agent_id, NOON - HOUR + timedelta(seconds=second), json.dumps({"cpu_usage": 90 if second in hot else 10}))
        for second in seconds
    ]
    await pool.executemany("INSERT INTO agent_metrics VALUES ($1, $2, $3)", rows)


async def test_it_says_when_for_whom_and_what_was_read(runs: DryRuns) -> None:
    asked = DryRun(rule=rule("avg(cpu_usage, 60) > 85", for_seconds=60, enabled=False), since=NOON - HOUR, before=NOON)
    found = await runs.run(asked, NOON)
    assert (found.resolution, found.entities, found.more, found.unknown) == (Resolution.RAW, 2, False, ())
    (firing,) = found.firings
    assert firing.entity == "acacia"
    hot = NOON - HOUR + timedelta(seconds=600)
    assert hot + timedelta(seconds=100) < firing.fired_at < hot + timedelta(seconds=140)
    assert firing.resolved_at is not None
    assert hot + timedelta(seconds=600) <= firing.resolved_at < hot + timedelta(seconds=620)
    assert firing.values["avg(cpu_usage, 60)"] > 85


async def test_an_agent_that_said_nothing_was_down_and_what_is_not_stored_is_named(runs: DryRuns) -> None:
    found = await runs.run(DryRun(rule=rule("agent_available == false"), since=NOON - HOUR, before=NOON), NOON)
    (firing,) = found.firings
    assert (firing.entity, firing.resolved_at) == ("walnut", NOON - HOUR + timedelta(seconds=2100))
    assert firing.fired_at == NOON - HOUR + timedelta(seconds=1795 + 30)
    failing = rule("rate(failed, 60) > 3 or cpu_usage > 85")
    assert (await runs.run(DryRun(rule=failing, since=NOON - HOUR, before=NOON), NOON)).unknown == ("failed",)


async def test_what_the_watch_saw_is_written_and_tried(runs: DryRuns, pool: asyncpg.Pool) -> None:
    """A model fails from the hundredth page on; the class `high` fills up for ten pages, and there are other pages than whole ones."""
    samples = Samples()
    chronicle = Chronicle(pool, samples)
    for number in range(240):
        now = NOON - HOUR + number * EVERY
        failed = max(0, number - 100)
        samples.add(
            (AlertScope.MODEL, "smollm2"), {"completed": 100, "failed": failed, "error_rate": failed / 200}, now.timestamp()
        )
        samples.add((AlertScope.QUEUE, "high"), {"waiting": 50 if 40 <= number < 50 else 0}, now.timestamp())
        samples.add((AlertScope.AGENT, "acacia"), {"failed": failed}, now.timestamp())
        await chronicle.write(now)
    for condition, scope, entity, fired, ended in (
        ("error_rate > 0.5", AlertScope.MODEL, "smollm2", 201, None),
        ("waiting > 20", AlertScope.QUEUE, "high", 40, 50),
        ("min(waiting, 60) > 20", AlertScope.QUEUE, "high", 44, 50),
    ):
        asked = DryRun(rule=rule(condition, scope=scope), since=NOON - HOUR / 2 if ended is None else NOON - HOUR, before=NOON)
        found = await runs.run(asked, NOON)
        (firing,) = found.firings
        assert (firing.entity, firing.fired_at) == (entity, NOON - HOUR + fired * EVERY)
        assert firing.resolved_at == (ended and NOON - HOUR + ended * EVERY)
        assert (found.entities, found.unknown, found.resolution) == (1, (), Resolution.RAW)
    agents = await runs.run(DryRun(rule=rule("failed > 10 and cpu_usage < 85"), since=NOON - HOUR, before=NOON), NOON)
    assert [(each.entity, each.fired_at, each.values["failed"]) for each in agents.firings] == [
        ("acacia", NOON - HOUR + 111 * EVERY, 11)
    ]
    assert (agents.entities, agents.unknown) == (2, ())


async def test_what_is_stored_of_less_than_was_asked_for_says_from_when_on(runs: DryRuns, pool: asyncpg.Pool) -> None:
    samples = Samples()
    chronicle = Chronicle(pool, samples)
    for number in range(8):
        now = NOON - 8 * EVERY + number * EVERY
        samples.add((AlertScope.QUEUE, "low"), {"waiting": 1}, now.timestamp())
        await chronicle.write(now)
    found = await runs.run(DryRun(rule=rule("waiting > 3", scope=AlertScope.QUEUE)), NOON)
    assert (found.since, found.resolution, found.firings) == (NOON - 5 * EVERY, Resolution.MINUTE, ())


async def test_pages_that_no_dry_run_reads_are_forgotten(pool: asyncpg.Pool, runs: DryRuns) -> None:
    await Chronicle(pool, Samples()).write(NOON - KEPT - EVERY)
    await Chronicle(pool, Samples()).write(NOON)
    assert [row["timestamp"] for row in await pool.fetch("SELECT timestamp FROM watched")] == [NOON]


async def test_what_has_no_history_is_refused_in_words(runs: DryRuns) -> None:
    for scope, name in (
        (AlertScope.QUEUE, "class of the queue"),
        (AlertScope.MODEL, "model"),
        (AlertScope.WORKFLOW, "workflow"),
    ):
        metric = "waiting" if scope is AlertScope.QUEUE else "error_rate"
        with pytest.raises(NoHistory, match=f"any {name} .* every 15 s"):
            await runs.run(DryRun(rule=rule(f"{metric} > 3", scope=scope)), NOON)
    with pytest.raises(NoHistory, match="any agent"):
        await runs.run(DryRun(rule=rule("cpu_usage > 3"), since=NOON - 30 * HOUR, before=NOON - 29 * HOUR), NOON)
    with pytest.raises(InvalidRequest, match="cpu_uses"):
        await runs.run(DryRun(rule=rule("cpu_uses > 3")), NOON)
