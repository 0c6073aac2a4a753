"""What is kept of ended tasks, and for how long: settings decide, the leader clears in small bites."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from bus import telemetry
from coordinator.database import AWAY, Statements
from coordinator.settings import CoordinatorSettings

logger = telemetry.log(__name__)

EVERY_SECONDS: Final = 30.0
BITE: Final = 1000
"""Tasks of one statement: whoever needs one of their rows waits no longer than for these."""


async def clear(statements: Statements, settings: CoordinatorSettings) -> None:
    """Runs for the term."""
    while True:
        try:
            await clear_once(statements, settings, datetime.now(UTC))
        except (asyncpg.PostgresError, *AWAY) as error:  # there is a next time
            logger.warning("not_cleared", error=type(error).__name__)
        await asyncio.sleep(EVERY_SECONDS)


async def clear_once(statements: Statements, settings: CoordinatorSettings, now: datetime) -> None:
    if settings.retain_days:
        await _in_bites(statements, "delete_ended", now - timedelta(days=settings.retain_days))
    if settings.retain_text_hours is not None:
        await _in_bites(statements, "blank_ended", now - timedelta(hours=settings.retain_text_hours))


async def _in_bites(statements: Statements, statement: str, ended_before: datetime) -> None:
    while len(await statements.all(statement, ended_before, BITE)) == BITE:
        continue
