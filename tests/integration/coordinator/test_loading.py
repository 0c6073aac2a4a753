"""A new leader reads what waits piece by piece, the most urgent first, and leads meanwhile."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from bus.messages import TaskRequest
from coordinator.leading.loading import Backlog
from coordinator.leading.state import State
from coordinator.scheduling.sizes import size_of
from coordinator.sql import queries
from coordinator.store.database import WRITER, Statements, migrate, open_connection

FILL = """
INSERT INTO tasks (id, tenant, owner, priority, status, created_at, sequence, model, request)
SELECT gen_random_uuid(), 'default', 'ada', 1 + n % 5, 'queued', now(), n, 'llama3', '{"prompt":"hi"}' FROM generate_series(1, $1::int) n
"""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await migrate(database_url)
    connection = await open_connection(database_url, **WRITER)
    yield connection
    await connection.close()


def backlog(connection: asyncpg.Connection) -> tuple[State, Backlog]:
    state = State(epoch=0, instance="test")
    return state, Backlog(state, Statements(connection), piece=10)


async def test_the_most_urgent_come_first_and_in_the_end_all_are_there(connection: asyncpg.Connection) -> None:
    await connection.execute(FILL, 25)
    state, waiting = backlog(connection)
    await waiting.more()
    assert len(state.queue) == 10
    assert {priority for priority, band in state.queue.bands.items() if len(band)} == {1, 2}
    while not waiting.done:
        await waiting.more()
    first = await connection.fetchval("SELECT id FROM tasks ORDER BY priority, sequence LIMIT 1")
    last = await connection.fetchval("SELECT id FROM tasks ORDER BY priority DESC, sequence DESC LIMIT 1")
    assert (state.queue.position(first), state.queue.position(last), len(state.queue)) == (1, 25, 25)


async def test_what_has_ended_meanwhile_is_not_read_and_what_came_meanwhile_is_read_once(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute(FILL, 20)
    state, waiting = backlog(connection)
    await waiting.more()
    ended: UUID = await connection.fetchval(
        "UPDATE tasks SET status = 'cancelled' WHERE sequence = (SELECT max(sequence) FROM tasks WHERE priority = 5) RETURNING id"
    )
    band = state.queue.bands[1]
    head = band.first(band.lines)
    assert head is not None
    came = state.queue[head.order[1]]
    while not waiting.done:
        await waiting.more()
    state.queue.extend([came], came.created_at)
    assert ended not in state.queue
    assert len(state.queue) == 19
    assert sum(state.queue.counts().values()) == 19


CHATS: tuple[dict[str, object], ...] = (
    {"prompt": "x" * 3000},
    {"messages": [{"role": "user", "content": "x" * 900}, {"role": "user", "content": "and this?", "images": ["aGk=" * 5000]}]},
    {"messages": [{"role": "user"}], "options": {"num_predict": 50}},
)


@pytest.mark.parametrize("asked", CHATS)
async def test_a_successor_finds_a_task_as_large_as_its_predecessor_did(
    connection: asyncpg.Connection, asked: dict[str, object]
) -> None:
    request = TaskRequest.model_validate(asked)
    await connection.execute(FILL, 1)
    await connection.execute("UPDATE tasks SET request = $1", request.model_dump_json(exclude_unset=True))
    state, waiting = backlog(connection)
    await waiting.more()
    assert state.queue[await connection.fetchval("SELECT id FROM tasks")].size == size_of(request)


async def test_a_piece_is_read_by_the_index_of_the_queue(connection: asyncpg.Connection) -> None:
    """However many wait: the plan is made once, when there may be none."""
    await connection.execute(f"PREPARE piece (smallint, bigint, uuid, bigint) AS {queries()['waiting_tasks']}")
    plan = await connection.fetch(f"EXPLAIN EXECUTE piece (1, 0, '{UUID(int=0)}', 10)")
    assert any("idx_tasks_priority" in line[0] for line in plan)
    assert not any("Seq Scan on tasks" in line[0] for line in plan)


async def test_a_turn_touches_tasks_by_key_though_its_plans_were_made_while_there_were_none(
    connection: asyncpg.Connection,
) -> None:
    """A plan made on an empty table would read the whole of it later, and each turn would cost more than the last."""
    await connection.execute(
        "PREPARE end_of_tasks (uuid[]) AS UPDATE tasks SET status = 'completed' FROM unnest($1) e WHERE tasks.id = e"
    )
    plan = "\n".join(line[0] for line in await connection.fetch("EXPLAIN EXECUTE end_of_tasks ('{}')"))
    assert "Index Scan using tasks_pkey" in plan
