"""Everything that pages ask PostgreSQL for is found by an index, and little is read that is not wanted, by either kind of plan that PostgreSQL may choose."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from bus.database import migrate_by, open_pool
from monitor.settings import MonitorSettings
from monitor.sql import migrations, queries
from monitor.upkeep import Upkeep

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANY_TIME = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC), "ffffffff-ffff-4fff-8fff-ffffffffffff")
KEY, FLOW = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
CUSTOM, GENERIC = "force_custom_plan", "force_generic_plan"
MOST_UNWANTED = 100
"""Rows that a step of a plan may read for nothing: what is so small, such as an empty partition, may be read whole."""

MEASURED = """INSERT INTO {table}
SELECT 'a' || a, $1::timestamptz - s * interval '1 minute', '{{"cpu_usage": 1}}' FROM generate_series(1, 20) a, generate_series(1, 2500) s"""
FILL = (
    *(MEASURED.format(table=f"agent_metrics{what}") for what in ("", "_minutes", "_hours")),
    """INSERT INTO watched SELECT $1::timestamptz - s * interval '15 s', s % 240 = 0, '{}' FROM generate_series(1, 5000) s""",
    f"""INSERT INTO usage_days SELECT $1::date - d, 'default', 'ann' || o, CASE o WHEN 7 THEN '{KEY}'::uuid END, 'small', CASE o WHEN 8 THEN '{FLOW}'::uuid END, 1, 1, 1, 1, 1
    FROM generate_series(0, 399) d, generate_series(1, 40) o""",
    """INSERT INTO agent_speed_hours SELECT $1::timestamptz - h * interval '1 hour', 'a' || a, 'small', 900, 30
    FROM generate_series(1, 744) h, generate_series(1, 20) a""",
    f"""INSERT INTO quotas (kind, name, unit, period, most, set_by) SELECT kind, name, unit, 'month', 9, 'root'
    FROM (VALUES ('user', 'ann3'), ('key', '{KEY}'), ('workflow', '{FLOW}')) q (kind, name), unnest(ARRAY['tokens', 'seconds']) unit WHERE $1::date IS NOT NULL""",
    """INSERT INTO alerts SELECT gen_random_uuid(), 'hot', 'a' || n, 'info', CASE n % 500 WHEN 0 THEN 'firing' ELSE 'resolved' END,
    $1::timestamptz - n * interval '1 minute', $1::timestamptz - n * interval '1 minute', true, '{}' FROM generate_series(1, 5000) n""",
    """INSERT INTO audit_records SELECT gen_random_uuid(), $1::timestamptz - n * interval '1 minute', 'default', 'ann' || n % 100, 'keys.create',
    'key' || n % 100, 'done', '{}' FROM generate_series(1, 5000) n""",
)
PAGE = ("a7", NOW - HOUR, NOW, 100)
ASKED: dict[str, list[tuple[Any, ...]]] = {
    "history_raw": [PAGE],
    "history_minute": [PAGE],
    "history_hour": [PAGE],
    "agents_raw": [(NOW - HOUR, NOW)],
    "agents_minute": [(NOW - DAY, NOW)],
    "watched": [("queue", NOW - HOUR, NOW)],
    "usage_by": [
        ("user", NOW.date() - DAY, NOW.date(), None, 100, None),
        ("model", NOW.date() - DAY, NOW.date(), None, 100, "default"),
    ],
    "quotas": [(NOW.date(),)],
    "list_alerts": [(["firing", "acknowledged", "silenced"], None, 100), (["resolved"], None, 100)],
    "list_audit": [
        (None, sub, None, object_id, None, ANY_TIME[0], *ANY_TIME[1:], 30)
        for sub, object_id in ((None, None), ("ann7", None), (None, "key7"))
    ],
}
"""Each statement, and what it is asked with. `speeds` is left out: it takes half of what is kept, all at once, which no index makes quicker."""
PLANNED_EACH_TIME = {"list_audit"}
"""By the plan for its very arguments: `NamedStatements.planned`."""


@pytest.fixture
async def pool(database_url: str) -> Any:
    await migrate_by(database_url, migrations(), "monitor_migrations")
    pool = await open_pool(database_url, 2)
    upkeep = Upkeep(pool, MonitorSettings(database_url=SecretStr(database_url)), lambda: False)
    for day in range(3):
        await upkeep.once(NOW - day * DAY)
    for statement in FILL:
        await pool.execute(statement, NOW)
    await pool.execute("ANALYZE")
    yield pool
    pool.terminate()


async def test_what_pages_ask_for_is_found_by_an_index(pool: asyncpg.Pool) -> None:
    wasted, found = list[str](), dict[str, int]()
    async with pool.acquire() as connection:
        for name, asked in ASKED.items():
            for mode in (CUSTOM,) if name in PLANNED_EACH_TIME else (CUSTOM, GENERIC):
                await connection.execute(f"SET plan_cache_mode = {mode}")
                await connection.execute(f"PREPARE asked AS {queries()[name]}")
                for arguments in asked:
                    execute = f"EXECUTE asked ({', '.join(map(literal, arguments))})"
                    found[name] = len(await connection.fetch(execute))
                    plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {execute}"))[0]["Plan"]
                    for step in steps(plan):
                        if (rows := unwanted(step)) > MOST_UNWANTED:
                            wasted.append(
                                f"{name} {mode}: {step['Node Type']} of {step.get('Relation Name')}, {rows} rows for nothing"
                            )
                await connection.execute("DEALLOCATE asked")
    assert wasted == []
    assert {name for name, rows in found.items() if not rows} == set()
    assert (found["agents_raw"], found["agents_minute"], found["quotas"]) == (20, 20, 6)


def literal(argument: Any) -> str:
    if argument is None:
        return "NULL"
    return f"'{{{','.join(argument)}}}'" if isinstance(argument, list) else f"'{argument}'"


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {name: value for name, value in plan.items() if name != "Plans"}
    for each in plan.get("Plans", []):
        yield from steps(each)


def unwanted(step: dict[str, Any]) -> int:
    """Rows that were read, in all its loops, and left out; of what was read without an index, all."""
    left_out = step.get("Rows Removed by Filter", 0)
    return int(step["Actual Loops"] * (left_out + step["Actual Rows"] * (step["Node Type"] == "Seq Scan")))
