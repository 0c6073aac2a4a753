"""What an engine looks after beside executions: old ones go, and one that evaluations wear out gives its place to a new one."""

import asyncio
from contextlib import suppress
from typing import Final

import asyncpg

from bus.database import AWAY, NamedStatements
from workflow.expressions.pool import Pool
from workflow.sql import queries

RETAIN_LOOK_SECONDS: Final = 600.0
MOST_RUNNING_ON: Final = 4
"""Evaluations that nothing stops, each on a core of its own: with so many an engine gives its place to a new one."""
WEAR_LOOK_SECONDS: Final = 5.0


async def until_worn_out(scripts: Pool) -> None:
    """Raises then: the engine leaves in order, its executions go on elsewhere, and whoever started it starts it anew."""
    while scripts.running_on < MOST_RUNNING_ON:
        await asyncio.sleep(WEAR_LOOK_SECONDS)
    raise RuntimeError(
        f"{MOST_RUNNING_ON} evaluations run on and cannot be stopped (isolate_runs_on says whose): it begins anew"
    )


async def expire(pool: asyncpg.Pool, days: float) -> None:
    """Ended executions that are older go, some at a time."""
    statements = NamedStatements(pool, queries())
    while days:
        with suppress(*AWAY, asyncpg.PostgresError):
            await statements.run("expire", days * 86_400)
        await asyncio.sleep(RETAIN_LOOK_SECONDS)
