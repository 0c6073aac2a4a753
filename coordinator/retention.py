"""What is kept of ended tasks, and for how long: settings decide, the leader clears in small bites."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from coordinator.database import AWAY, Statements
from coordinator.settings import CoordinatorSettings

EVERY_SECONDS: Final = 30.0


async def clear(statements: Statements, settings: CoordinatorSettings) -> None:
    """Runs for the term."""
    while True:
        with suppress(*AWAY):  # there is a next time
            await clear_once(statements, settings, datetime.now(UTC))
        await asyncio.sleep(EVERY_SECONDS)


async def clear_once(statements: Statements, settings: CoordinatorSettings, now: datetime) -> None:
    if settings.retain_days:
        await statements.run("delete_ended", now - timedelta(days=settings.retain_days))
    if settings.retain_text_hours is not None:
        await statements.run("blank_ended", now - timedelta(hours=settings.retain_text_hours))
