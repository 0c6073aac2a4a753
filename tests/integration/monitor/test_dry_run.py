"""Dry runs over what a real PostgreSQL holds."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from pydantic import SecretStr

from bus.database import migrate_by, open_pool
from bus.errors import InvalidRequest
from bus.messages.alerts import AlertScope, DryRun
from bus.messages.history import Resolution
from monitor.alerting.dry_run import DryRuns
from monitor.past import Past
from monitor.replica import Reading
from monitor.settings import MonitorSettings
from monitor.sql import migrations
from monitor.upkeep import Upkeep
from tests.unit.monitor.alerting.scene import rule

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def runs(database_url: str) -> AsyncIterator[DryRuns]:
    """With an hour of acacia and walnut, of which acacia is hot for ten minutes and walnut says nothing for five."""
    await migrate_by(database_url, migrations(), "monitor_migrations")
    pool = await open_pool(database_url, 2)
    await Upkeep(pool, MonitorSettings(database_url=SecretStr("postgresql:///unused")), lambda: True).once(NOON)
    await _store(pool, "acacia", range(0, 3600, 5), hot=range(600, 1200))
    await _store(pool, "walnut", [*range(0, 1800, 5), *range(2100, 3600, 5)])
    past = Past(Reading(pool, None, 30))
    yield DryRuns(lambda: past)
    pool.terminate()


async def _store(pool: asyncpg.Pool, agent_id: str, seconds: "range | list[int]", hot: range = range(0)) -> None:
    rows = [
        (agent_id, NOON - HOUR + timedelta(seconds=second), json.dumps({"cpu_usage": 90 if second in hot else 10}))
        for second in seconds
    ]
    await pool.executemany("INSERT INTO agent_metrics VALUES ($1, $2, $3)", rows)


async def test_it_says_when_for_whom_and_what_was_read(runs: DryRuns) -> None:
    asked = DryRun(rule=rule("avg(cpu_usage, 60) > 85", for_seconds=60, enabled=False), since=NOON - HOUR, before=NOON)
    found = await runs.run(asked, NOON)
    assert (found.resolution, found.agents, found.more, found.unknown) == (Resolution.RAW, 2, False, ())
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


async def test_what_has_no_history_is_refused_in_words(runs: DryRuns) -> None:
    with pytest.raises(InvalidRequest, match="scope queue"):
        await runs.run(DryRun(rule=rule("waiting > 3", scope=AlertScope.QUEUE)), NOON)
    with pytest.raises(InvalidRequest, match="cpu_uses"):
        await runs.run(DryRun(rule=rule("cpu_uses > 3")), NOON)
