"""Retention finds what has ended by index: a scan of a million kept tasks every 30 s would be most of PostgreSQL's work."""

import asyncpg
import pytest

from coordinator.sql import queries
from coordinator.store.database import migrate

FILL = """
INSERT INTO tasks (id, tenant, owner, priority, status, created_at, completed_at, sequence, request)
SELECT gen_random_uuid(), 'default', 'ada', 3, 'completed', now(), now() - n * interval '1 minute', n, '{"prompt": "Say hello"}'
FROM generate_series(1, 20000) n
"""


@pytest.mark.parametrize("cut", ["10 days", "1 second"], ids=["some of them", "all of them"])
@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize(("statement", "index"), [("delete_ended", "idx_tasks_ended"), ("blank_ended", "idx_tasks_text")])
async def test_what_has_ended_is_found_by_index(database_url: str, statement: str, index: str, mode: str, cut: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url, server_settings={"plan_cache_mode": mode})
    try:
        await connection.execute(FILL)
        await connection.execute("ANALYZE tasks")
        await connection.execute(f"PREPARE looked_at (timestamptz, int) AS {queries()[statement]}")
        plan = await connection.fetch(f"EXPLAIN EXECUTE looked_at (now() - interval '{cut}', 1000)")
    finally:
        await connection.close()
    lines = "\n".join(row[0] for row in plan)
    assert f"{index} " in lines, lines
    assert "Seq Scan" not in lines, lines
