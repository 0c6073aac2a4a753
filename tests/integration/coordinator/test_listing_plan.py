"""The newest tasks of one agent among many are found by index: its page asks every five seconds, and the timeline for twenty agents at once.
So are those of a small tenant: it does not wait for what others have."""

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


OF_A_TENANT = """
INSERT INTO tasks (id, tenant, owner, priority, status, created_at, sequence)
SELECT gen_random_uuid(), 'acme', 'bo', 3, 'completed', now() - interval '1 day' - n * interval '1 second', n FROM generate_series(1, 30) n
"""


async def test_the_newest_tasks_of_an_agent_or_a_tenant_are_read_and_no_others(database_url: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url, server_settings={"plan_cache_mode": "force_custom_plan"})
    try:
        await connection.execute(FILL)
        await connection.execute(OF_A_TENANT)
        await connection.execute("ANALYZE")
        types = "text[], text, text, text, timestamptz, uuid, timestamptz, timestamptz, int, text"
        await connection.execute(f"PREPARE listed ({types}) AS {queries()['list_tasks']}")
        of_agent = f"EXECUTE listed (NULL, 'host-7', NULL, NULL, NULL, NULL, NULL, NULL, {ASKED}, NULL)"
        of_tenant = f"EXECUTE listed (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, {ASKED}, 'acme')"
        found = {asked: await connection.fetch(asked) for asked in (of_agent, of_tenant)}
        plans = {asked: await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}") for asked in found}
    finally:
        await connection.close()
    assert [row["agent_slug"] for row in found[of_agent]] == ["host-7"] * ASKED
    assert [row["tenant"] for row in found[of_tenant]] == ["acme"] * ASKED
    for asked, index in ((of_agent, "idx_tasks_agent_newest"), (of_tenant, "idx_tasks_tenant_newest")):
        times = [row["created_at"] for row in found[asked]]
        assert times == sorted(times, reverse=True)
        parts = _parts(json.loads(plans[asked])[0]["Plan"])
        of_tasks = [part for part in parts if part.get("Relation Name") == "tasks"]
        assert [(part["Index Name"], part["Actual Rows"]) for part in of_tasks] == [(index, ASKED)]


def _parts(plan: dict[str, object]) -> list[dict[str, object]]:
    inner = plan.get("Plans", [])
    assert isinstance(inner, list)
    return [plan, *(part for each in inner for part in _parts(each))]
