"""Dry runs: when a rule would have fired over what is stored."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from bus.auth import Permission
from bus.errors import DatabaseUnavailable, InvalidRequest
from bus.messages.alerts import LONGEST_DRY_RUN, MOST_FIRINGS, AlertScope, DryRun, DryRunResult, Firing
from bus.messages.history import Resolution
from bus.service import Call, Endpoint
from monitor.alerting import replay
from monitor.alerting.conditions import MEASURED
from monitor.alerting.rules import Rule, ready
from monitor.past import Past

RAW_FOR: Final = timedelta(hours=6)
DAY: Final = timedelta(days=1)
EVERY: Final = {Resolution.RAW: timedelta(seconds=15), Resolution.MINUTE: timedelta(minutes=1)}
"""Half of the silence after which an agent counts as not available. Agents measure every five seconds."""


class DryRuns:
    """One at a time: each may read a week of all agents."""

    def __init__(self, past: Callable[[], Past | None]) -> None:
        self._past, self._turn = past, asyncio.Lock()

    async def run(self, asked: DryRun, now: datetime) -> DryRunResult:
        """InvalidRequest for a rule or a time that there is no history for; DatabaseUnavailable."""
        past = self._past()
        if past is None:
            raise DatabaseUnavailable("The monitor has not reached PostgreSQL yet. Try again shortly.", retry_after_seconds=2)
        rule, (since, before) = _rule(asked), span(asked, now)
        resolution = Resolution.RAW if before - since <= RAW_FOR else Resolution.MINUTE
        read_from = since - timedelta(seconds=max(rule.condition.windows.values(), default=0) + rule.written.for_seconds)
        found: list[Firing] = []
        async with self._turn:
            agents = await past.agents(resolution, read_from, before)
            for agent_id in agents:
                course = await past.course(agent_id, resolution, read_from, before)
                every = EVERY[resolution]
                # A thread: a week of minutes takes a while, and the loop must go on.
                found += await asyncio.to_thread(
                    replay.firings, rule, agent_id, course, every=every, since=since, before=before
                )
        found.sort(key=lambda firing: (firing.fired_at, firing.entity))
        return DryRunResult(
            since=since,
            before=before,
            resolution=resolution,
            agents=len(agents),
            firings=tuple(found[:MOST_FIRINGS]),
            more=len(found) > MOST_FIRINGS,
            unknown=tuple(sorted(rule.condition.reads - {*MEASURED, replay.AVAILABLE})),
        )

    def endpoint(self) -> Endpoint:
        async def dry_run(call: Call[DryRun]) -> DryRunResult:
            return await self.run(call.body, datetime.now(UTC))

        return Endpoint(
            verb="dry_run",
            body=DryRun,
            handler=dry_run,
            permission=Permission.AGENTS_MANAGE,
            description="{rule, since, before} -> when it would have fired over what is stored",
        )


def span(asked: DryRun, now: datetime) -> tuple[datetime, datetime]:
    """InvalidRequest for one that ends before it begins, or is too long."""
    before = min(asked.before or now, now)
    since = asked.since or before - DAY
    if not since < before <= since + LONGEST_DRY_RUN:
        raise InvalidRequest(f"`since` is earlier than `before`, and before now, by {LONGEST_DRY_RUN.days} days at most.")
    return since, before


def _rule(asked: DryRun) -> Rule:
    if asked.rule.scope is not AlertScope.AGENT:
        raise InvalidRequest(
            f"Nothing is stored of what a rule of scope {asked.rule.scope} reads: only rules of agents can be tried."
        )
    (rule,) = ready({"rule": asked.rule.model_copy(update={"enabled": True})})
    return rule
