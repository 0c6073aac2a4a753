"""Agents' metrics in real databases of time series and at a collector of OpenTelemetry, compared with what PostgreSQL has; none is lost while they are away."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from bus import subjects
from bus.nats_bus import NatsBus
from tests.integration.monitor.parts import MonitorProcess, performance
from tests.parts.nats import NatsServer
from tests.parts.otlp import Collector
from tests.parts.time_series import InfluxDB, Points, TimeSeries, VictoriaMetrics
from tests.unit.monitor.events import metrics

pytestmark = pytest.mark.slow

AWAY_SECONDS = float(os.environ.get("HIVE_SINK_AWAY_SECONDS", "0"))
"""How long the database stays away, beside the moment in which 300 measurements are missed: 600 for the ten minutes of docs/performance.md."""
TOLD_PER_SECOND = 100
AGENTS = 400
"""More than are told of at once: VictoriaMetrics tells the times of one series apart by milliseconds only."""


@pytest.fixture(params=[InfluxDB, VictoriaMetrics], ids=lambda kind: kind.__name__)
def series(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TimeSeries | Collector]:
    kind: type[TimeSeries | Collector] = request.param
    if kind.program and shutil.which(kind.program) is None:
        pytest.skip(f"{kind.program} is not installed; Debian has it")
    (tmp_path / "series").mkdir()
    with kind(tmp_path / "series") as found:
        yield found


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def measured(bus: NatsBus, numbers: range) -> None:
    """Each is a value of its own, of one agent after the other."""
    for number in numbers:
        agent_id = f"agent-{number % AGENTS}"
        await bus.publish(subjects.metrics(agent_id), metrics(agent_id, cpu_usage=number, gpu_usage=number / 2))
    await bus.flush()


async def told_on(bus: NatsBus, first: int, seconds: float) -> int:
    """As a fleet tells, TOLD_PER_SECOND of them, for so long. The number after the last."""
    ends_at = monotonic() + seconds
    while monotonic() < ends_at:
        await measured(bus, range(first, first + TOLD_PER_SECOND))
        first += TOLD_PER_SECOND
        await asyncio.sleep(1)
    return first


async def rows(database: asyncpg.Connection) -> int:
    try:
        return int(await database.fetchval("SELECT count(*) FROM agent_metrics"))
    except asyncpg.UndefinedTableError:  # the monitor has not come so far
        return 0


async def kept(database: asyncpg.Connection) -> Points:
    found: Points = {}
    for row in await database.fetch("SELECT agent_id, timestamp, metrics::text FROM agent_metrics"):
        at = (row["timestamp"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        for name, value in json.loads(row["metrics"]).items():
            found[row["agent_id"], name, at] = value
    return found


async def both_have(number: int, database: asyncpg.Connection, series: TimeSeries | Collector) -> tuple[Points, Points]:
    """Once PostgreSQL has so many rows, and the other as many points as those say."""
    async with asyncio.timeout(60):
        while await rows(database) < number:
            await asyncio.sleep(0.05)
        own = await kept(database)
        while (found := await asyncio.to_thread(series.points)).keys() != own.keys():
            await asyncio.sleep(0.1)
        return own, found


@pytest.mark.timeout(240 + AWAY_SECONDS)
@pytest.mark.parametrize(
    ("series", "org"),
    [(InfluxDB, {}), (VictoriaMetrics, {}), (VictoriaMetrics, {"HIVE_INFLUX_ORG": "wood"}), (Collector, {})],
    indirect=["series"],
    ids=["InfluxDB", "VictoriaMetrics, version 1", "VictoriaMetrics, version 2", "OTLP"],
)
async def test_it_has_what_postgresql_has_though_it_was_away(
    org: dict[str, str],
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    database: asyncpg.Connection,
    series: TimeSeries | Collector,
    tmp_path: Path,
) -> None:
    settings = {"HIVE_DATABASE_URL": database_url, **series.settings, **org}
    with MonitorProcess(nats_server, tmp_path, **settings):
        await performance(nats_bus, lambda found: True)
        await measured(nats_bus, range(20))
        own, found = await both_have(20, database, series)
        assert found == own
        await asyncio.to_thread(series.stop)
        await measured(nats_bus, range(20, 320))
        number = await told_on(nats_bus, 320, AWAY_SECONDS)
        async with asyncio.timeout(30):  # that it is away holds nothing up
            while await rows(database) < number:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(series.start)
        own, found = await both_have(number, database, series)
        assert found == own
        assert len(found) == 2 * number


async def test_a_monitor_that_was_killed_goes_on_where_it_ended(
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    database: asyncpg.Connection,
    series: TimeSeries | Collector,
    tmp_path: Path,
) -> None:
    settings = {"HIVE_DATABASE_URL": database_url, **series.settings}
    with MonitorProcess(nats_server, tmp_path, **settings) as monitor:
        await performance(nats_bus, lambda found: True)
        await measured(nats_bus, range(10))
        await both_have(10, database, series)
        monitor.kill()
        await measured(nats_bus, range(10, 60))
        monitor.restart()
        own, found = await both_have(60, database, series)
        assert found == own
