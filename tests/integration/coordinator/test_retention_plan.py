"""Retention finds what has ended by index: a scan of a million kept tasks every 30 s would be most of PostgreSQL's work."""

import asyncpg
import pytest

from coordinator.database import migrate
from coordinator.sql import queries


@pytest.mark.parametrize(("statement", "index"), [("delete_ended", "idx_tasks_ended"), ("blank_ended", "idx_tasks_text")])
async def test_what_has_ended_is_found_by_index(database_url: str, statement: str, index: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(
        database_url, server_settings={"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
    )
    try:
        await connection.execute(f"PREPARE looked_at (timestamptz, int) AS {queries()[statement]}")
        plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN EXECUTE looked_at (now(), 1000)"))
    finally:
        await connection.close()
    assert f"{index} " in plan, plan
