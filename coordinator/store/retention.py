"""What is kept of ended tasks and of health checks, and for how long: settings decide, the leader clears in small bites."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

import asyncpg

from bus import telemetry
from coordinator.settings import CoordinatorSettings
from coordinator.store.database import AWAY, Statements

logger = telemetry.log(__name__)

LONGEST_PAUSE_SECONDS: Final = 30.0
SHORTEST_PAUSE_SECONDS: Final = 1.0
ENDED_SESSIONS: Final = timedelta(days=1)
MOST_REMOVED_HOSTS: Final = 10_000
"""As many as may have joined. Whoever registers is looked for among them."""
BITE: Final = 1000
"""Rows of one statement: whoever needs one of their rows waits no longer than for these."""


async def clear(statements: Statements, settings: CoordinatorSettings) -> None:
    """Runs for the term."""
    while True:
        try:
            await clear_once(statements, settings, datetime.now(UTC))
        except (asyncpg.PostgresError, *AWAY) as error:  # there is a next time
            logger.warning("not_cleared", error=type(error).__name__)
        await asyncio.sleep(pause_seconds(settings))


def pause_seconds(settings: CoordinatorSettings) -> float:
    """Between two looks: a tenth of the shortest time that something is kept, so that little stays much longer than it should."""
    kept = [timedelta(days=settings.retain_days)] if settings.retain_days else []
    if settings.retain_text_hours is not None:
        kept.append(timedelta(hours=settings.retain_text_hours))
    wanted = min((each.total_seconds() / 10 for each in kept), default=LONGEST_PAUSE_SECONDS)
    return max(SHORTEST_PAUSE_SECONDS, min(LONGEST_PAUSE_SECONDS, wanted))


async def clear_once(statements: Statements, settings: CoordinatorSettings, now: datetime) -> None:
    if settings.retain_days:
        await _in_bites(statements, "delete_ended", now - timedelta(days=settings.retain_days))
        await _in_bites(statements, "delete_windows", now - timedelta(days=settings.retain_days))
        await _in_bites(statements, "delete_join_tokens", now - timedelta(days=settings.retain_days))
    if settings.retain_text_hours is not None:
        await _in_bites(statements, "blank_ended", now - timedelta(hours=settings.retain_text_hours))
    await statements.run("delete_removed_hosts", MOST_REMOVED_HOSTS)
    await statements.run("delete_expired_tickets", now)
    await _in_bites(statements, "delete_sessions", now - ENDED_SESSIONS)
    await _in_bites(statements, "delete_benchmarks", now)
    await _in_bites(statements, "delete_health_checks", now - timedelta(hours=settings.retain_health_hours))


async def _in_bites(statements: Statements, statement: str, before: datetime) -> None:
    """With pauses as long as the bites: turns, which write to the same disk, get at least half of it."""
    while True:
        began = monotonic()
        if len(await statements.all(statement, before, BITE)) < BITE:
            return
        await asyncio.sleep(monotonic() - began)
