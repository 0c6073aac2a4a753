"""The newest tasks of one agent among many are found by index: its page asks every five seconds, and the timeline for twenty agents at once."""

import json

import asyncpg

from coordinator.sql import queries
from coordinator.store.database import migrate

AGENTS, EACH, ASKED = 50, 200, 20
FILL = f"""
INSERT INTO agents (slug, name, endpoint, registration) SELECT 'host-' || n, 'host', 'http://h', '{{}}' FROM generate_series(1, {AGENTS}) n;
INSERT INTO tasks (id, tenant, owner, priority, status, created_at, sequence, assigned_agent_id)
SELECT gen_random_uuid(), 'default', 'ada', 3, 'completed', now() - n * interval '1 second', n, a.id
FROM generate_series(1, {AGENTS * EACH}) n JOIN agents a ON a.slug = 'host-' || (1 + n % {AGENTS})
"""


async def test_the_newest_tasks_of_an_agent_are_read_and_no_others(database_url: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url, server_settings={"plan_cache_mode": "force_custom_plan"})
    try:
        await connection.execute(FILL)
        await connection.execute("ANALYZE")
        types = "text[], text, text, text, timestamptz, uuid, timestamptz, timestamptz, int"
        await connection.execute(f"PREPARE listed ({types}) AS {queries()['list_tasks']}")
        asked = f"EXECUTE listed (NULL, 'host-7', NULL, NULL, NULL, NULL, NULL, NULL, {ASKED})"
        found = await connection.fetch(asked)
        plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}"))[0]["Plan"]
    finally:
        await connection.close()
    assert [row["agent_slug"] for row in found] == ["host-7"] * ASKED
    assert [row["created_at"] for row in found] == sorted((row["created_at"] for row in found), reverse=True)
    of_tasks = [part for part in _parts(plan) if part.get("Relation Name") == "tasks"]
    assert [(part["Index Name"], part["Actual Rows"]) for part in of_tasks] == [("idx_tasks_agent_newest", ASKED)]


def _parts(plan: dict[str, object]) -> list[dict[str, object]]:
    inner = plan.get("Plans", [])
    assert isinstance(inner, list)
    return [plan, *(part for each in inner for part in _parts(each))]
