"""Ten million measurements in PostgreSQL: what a page of history costs, and what dropping a day does to whoever writes meanwhile:
`python -m tests.bench.ten_million [ROWS]`

200 agents with a card, one measurement every five seconds, up to now, stored in the order of time; a row for each minute and hour of them.
The questions are those of the dashboard, the REST API and the alerts, through the code that asks them, of agents and times drawn at random,
while a writer stores what 200 agents send. Some 7 GB of disk for as long as it runs.
"""

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, Final

import asyncpg
import uvloop
from pydantic import SecretStr

from bus import heap, subjects
from bus.database import migrate_by, open_pool
from bus.messages.history import ListMetrics, Resolution
from bus.together import end
from monitor.past import Past
from monitor.replica import Reading
from monitor.settings import MonitorSettings
from monitor.sql import migrations, queries
from monitor.upkeep import Upkeep
from tests.conftest import folder_for_others
from tests.parts.postgres import PostgresServer

ROWS: Final = 10_000_000
AGENTS: Final = 200
EVERY: Final = timedelta(seconds=5)
TIMES: Final = 300
BODY: Final = """{"cpu_usage": 12.5, "memory_usage": 41.0, "disk_usage": 63.2, "network_io": {"bytes_sent_per_second": 120000.0,
"bytes_received_per_second": 90000.0}, "tokens_per_second": 52.4, "response_time": 1.8, "active_tasks": 1, "gpu_usage": 71.0,
"gpu_memory": 55.0, "gpu_temperature": 64.0, "gpu_power_watts": 231.0, "success_rate": 0.99, "error_rate": 0.01}"""
FILL: Final = """INSERT INTO agent_metrics
SELECT 'host-' || lpad(a::text, 4, '0'), $1::timestamptz + s * interval '5 s' + a * interval '1 ms', $4::jsonb
FROM generate_series($2::int, $3::int - 1) s, generate_series(1, 200) a"""
WRITE: Final = "INSERT INTO agent_metrics SELECT 'host-' || lpad(a::text, 4, '0'), clock_timestamp(), $1::jsonb FROM generate_series(1, 40) a"
SPREADS: Final = """INSERT INTO agent_metrics_{table}
SELECT 'host-' || lpad(a::text, 4, '0'), s, (SELECT jsonb_object_agg(name, '{{"min": 11.25, "mean": 12.5, "max": 13.75, "n": 12}}'::jsonb)
    FROM unnest($3::text[]) name)
FROM generate_series(date_trunc('{unit}', $1::timestamptz), $2, interval '1 {unit}') s, generate_series(1, 200) a"""
PORTION: Final = 720


async def fill(pool: asyncpg.Pool, begin: datetime, steps: int, now: datetime) -> None:
    for first in range(0, steps, PORTION):
        async with pool.acquire() as connection:
            await connection.execute(FILL, begin, first, min(steps, first + PORTION), BODY, timeout=300)
    await pool.execute("INSERT INTO monitor_positions VALUES ($1, $2, 1, $2)", subjects.METRICS, now)
    names = [*json.loads(BODY), "bytes_sent_per_second", "bytes_received_per_second"]
    names.remove("network_io")
    for table, unit in (("minutes", "minute"), ("hours", "hour")):
        await pool.execute(SPREADS.format(table=table, unit=unit), begin, now - timedelta(hours=1), names, timeout=600)
        await pool.execute(f"INSERT INTO monitor_rolled VALUES ('{table}', date_trunc('hour', $1::timestamptz))", now)


async def writing(pool: asyncpg.Pool, waits: list[float], every: float) -> None:
    """Forty measurements at a time; how long each commit took is in `waits`."""
    while True:
        began = perf_counter()
        await pool.execute(WRITE, BODY)
        waits.append(perf_counter() - began)
        await asyncio.sleep(every)


def told(name: str, seconds: list[float]) -> None:
    found = sorted(seconds)
    p50, p95, most = (1000 * found[min(len(found) - 1, int(len(found) * part))] for part in (0.5, 0.95, 1))
    print(f"{name:46} {len(found):5} times: p50 {p50:7.2f} ms, p95 {p95:7.2f} ms, most {most:7.2f} ms", flush=True)


async def timed(name: str, ask: Callable[[], Awaitable[object]]) -> None:
    seconds = []
    for _ in range(TIMES):
        began = perf_counter()
        await ask()
        seconds.append(perf_counter() - began)
    told(name, seconds)


async def questions(pool: asyncpg.Pool, begin: datetime, now: datetime) -> None:
    past, chance = Past(Reading(pool, None, 30)), random.Random(7)

    def asked(resolution: Resolution, window: timedelta, limit: int) -> ListMetrics:
        since = begin + (now - begin - window) * chance.random()
        agent = f"host-{chance.randint(1, AGENTS):04}"
        return ListMetrics(agent_id=agent, resolution=resolution, since=since, before=since + window, limit=limit)

    def latest(resolution: Resolution) -> ListMetrics:
        return ListMetrics(agent_id=f"host-{chance.randint(1, AGENTS):04}", resolution=resolution)

    hour, day = timedelta(hours=1), timedelta(days=1)
    await timed("each measurement of an hour, of an agent", lambda: past.read(asked(Resolution.RAW, hour, 720)))
    await timed("the newest 500 measurements of an agent", lambda: past.read(latest(Resolution.RAW)))
    await timed("minutes of six hours of an agent", lambda: past.read(asked(Resolution.MINUTE, 6 * hour, 500)))
    await timed("minutes of a day of an agent", lambda: past.read(asked(Resolution.MINUTE, day, 2000)))
    await timed("the newest 500 minutes of an agent", lambda: past.read(latest(Resolution.MINUTE)))
    await timed("all hours of an agent", lambda: past.read(latest(Resolution.HOUR)))
    await timed("which agents measured in six hours", lambda: past.agents(Resolution.RAW, now - 6 * hour, now))
    await timed("which agents measured in a week", lambda: past.agents(Resolution.MINUTE, now - 7 * day, now))


async def plans(pool: asyncpg.Pool, now: datetime) -> None:
    page = ("host-0007", now - timedelta(hours=1), now, 500)
    asked = dict[str, tuple[Any, ...]].fromkeys(("history_raw", "history_minute", "history_hour"), page)
    asked |= {"agents_raw": (now - timedelta(hours=6), now), "agents_minute": (now - timedelta(days=7), now)}
    for name, bounds in asked.items():
        rows = await pool.fetch("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) " + queries()[name], *bounds)
        read = [row[0].strip() for row in rows if "Scan" in row[0] or "Execution" in row[0]]
        print(f"{name}: " + "; ".join(line for line in read if "never" not in line), flush=True)


async def dropping(pool: asyncpg.Pool, upkeep: Upkeep, now: datetime) -> None:
    """The oldest day goes, with all its rows, while somebody writes and somebody reads."""
    waits: list[float] = []
    writer = asyncio.create_task(writing(pool, waits, 0.005))
    rows = await pool.fetchval("SELECT count(*) FROM agent_metrics")
    began = perf_counter()
    await upkeep.once(now + timedelta(days=2))
    seconds = perf_counter() - began
    await end([writer])
    left = await pool.fetchval("SELECT count(*) FROM agent_metrics")
    print(f"partitions were dropped with {rows - left:,} of {rows:,} rows; the round took {seconds:.2f} s", flush=True)
    told("a commit of 40 measurements meanwhile", waits)


async def run(postgres: PostgresServer, rows: int) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    steps = rows // AGENTS
    begin = now - steps * EVERY
    async with postgres.database() as url:
        await migrate_by(url, migrations(), "monitor_migrations")
        pool = await open_pool(url, 6)
        upkeep = Upkeep(pool, MonitorSettings(database_url=SecretStr(url)), lambda: False)
        day = begin
        while day < now + timedelta(days=1):
            await upkeep.once(day)
            day += timedelta(days=1)
        began = perf_counter()
        await fill(pool, begin, steps, now)
        print(f"{steps * AGENTS:,} rows stored in {perf_counter() - began:.0f} s", flush=True)
        began = perf_counter()
        await upkeep.once(now)
        minutes = await pool.fetchval("SELECT count(*) FROM agent_metrics_minutes")
        print(f"rolled up to {minutes:,} minutes in {perf_counter() - began:.0f} s", flush=True)
        await pool.execute("ANALYZE", timeout=300)
        size = await pool.fetchval("SELECT pg_database_size(current_database())")
        print(f"the database has {size / 1e9:.1f} GB", flush=True)
        waits: list[float] = []
        writer = asyncio.create_task(writing(pool, waits, 1))
        await questions(pool, begin, now)
        await end([writer])
        told("a commit of 40 measurements meanwhile", waits)
        await plans(pool, now)
        await dropping(pool, upkeep, now)
        pool.terminate()


def main() -> None:
    heap.set_aside()  # as a monitor does
    with folder_for_others("postgres") as data:
        postgres = PostgresServer(data)
        postgres.start()
        try:
            uvloop.run(run(postgres, int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
