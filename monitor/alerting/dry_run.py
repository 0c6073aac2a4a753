"""Dry runs: when a rule would have fired over what is stored."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bus.auth import Permission
from bus.errors import DatabaseUnavailable, InvalidRequest, NoHistory
from bus.messages.alerts import LONGEST_DRY_RUN, MOST_FIRINGS, AlertScope, DryRun, DryRunResult, Firing
from bus.messages.history import Resolution
from bus.service import Call, Endpoint
from monitor.alerting import replay, watched
from monitor.alerting.replay import Point
from monitor.alerting.rules import Rule, ready
from monitor.alerting.watched import STORED, Leaf
from monitor.past import Past

RAW_FOR: Final = timedelta(hours=6)
DAY: Final = timedelta(days=1)
EVERY: Final = {Resolution.RAW: watched.EVERY, Resolution.MINUTE: timedelta(minutes=1)}
"""How often something is known of each thing, and half of the silence after which nothing is known of it. Agents measure every five seconds."""
NAMES: Final = {
    AlertScope.AGENT: "agent",
    AlertScope.MODEL: "model",
    AlertScope.WORKFLOW: "workflow",
    AlertScope.QUEUE: "class of the queue",
}
FIRST: Final = {
    AlertScope.MODEL: "a task of a model has ended",
    AlertScope.WORKFLOW: "an execution of a workflow has ended",
    AlertScope.QUEUE: "a coordinator leads",
}
"""When there first is something to see."""


@dataclass(frozen=True, slots=True)
class _Span:
    """`read_from` is as far before `since` as the rule looks back."""

    since: datetime
    before: datetime
    read_from: datetime
    resolution: Resolution

    @property
    def every(self) -> timedelta:
        return EVERY[self.resolution]


class DryRuns:
    """One at a time: each may read a week of all agents."""

    def __init__(self, past: Callable[[], Past | None]) -> None:
        self._past, self._turn = past, asyncio.Lock()

    async def run(self, asked: DryRun, now: datetime) -> DryRunResult:
        """InvalidRequest for a rule or a time that cannot be; NoHistory where nothing is stored; DatabaseUnavailable."""
        past = self._past()
        if past is None:
            raise DatabaseUnavailable("The monitor has not reached PostgreSQL yet. Try again shortly.", retry_after_seconds=2)
        (rule,) = ready({"rule": asked.rule.model_copy(update={"enabled": True})})
        over = _over(rule, *span(asked, now))
        found, begins = list[Firing](), list[datetime]()
        async with self._turn:
            leaves = await _leaves(past, rule, over)
            for entity in await _entities(past, rule, over, leaves):
                if not (course := await _course(past, rule, over, entity, leaves)):
                    continue
                begins.append(course[0][0])
                # A thread: a week of minutes takes a while, and the loop must go on.
                found += await asyncio.to_thread(
                    replay.firings, rule, entity, course, every=over.every, since=over.since, before=over.before
                )
        if not begins:
            raise NoHistory(_nothing(rule.scope, over))
        found.sort(key=lambda firing: (firing.fired_at, firing.entity))
        return DryRunResult(
            since=min(begins) if min(begins) > over.since + 2 * over.every else over.since,
            before=over.before,
            resolution=over.resolution,
            entities=len(begins),
            firings=tuple(found[:MOST_FIRINGS]),
            more=len(found) > MOST_FIRINGS,
            unknown=() if watched.entities(leaves) else tuple(sorted(rule.condition.reads & STORED[rule.scope])),
        )

    def endpoint(self) -> Endpoint:
        async def dry_run(call: Call[DryRun]) -> DryRunResult:
            return await self.run(call.body, datetime.now(UTC))

        return Endpoint(
            verb="dry_run",
            body=DryRun,
            handler=dry_run,
            permission=Permission.ALERTS_MANAGE,
            description="{rule, since, before} -> when it would have fired over what is stored",
        )


def span(asked: DryRun, now: datetime) -> tuple[datetime, datetime]:
    """InvalidRequest for one that ends before it begins, or is too long."""
    before = min(asked.before or now, now)
    since = asked.since or before - DAY
    if not since < before <= since + LONGEST_DRY_RUN:
        raise InvalidRequest(f"`since` is earlier than `before`, and before now, by {LONGEST_DRY_RUN.days} days at most.")
    return since, before


def _over(rule: Rule, since: datetime, before: datetime) -> _Span:
    back = timedelta(seconds=max(rule.condition.windows.values(), default=0) + rule.written.for_seconds)
    return _Span(since, before, since - back, Resolution.RAW if before - since <= RAW_FOR else Resolution.MINUTE)


async def _leaves(past: Past, rule: Rule, over: _Span) -> list[Leaf]:
    """What the watch saw, where the rule reads any of it."""
    if not rule.condition.reads & STORED[rule.scope]:
        return []
    return await past.leaves(rule.scope, over.read_from, over.before)


async def _entities(past: Past, rule: Rule, over: _Span, leaves: Sequence[Leaf]) -> list[str]:
    if rule.scope is AlertScope.AGENT:
        return await past.agents(over.resolution, over.read_from, over.before)
    return watched.entities(leaves)


async def _course(past: Past, rule: Rule, over: _Span, entity: str, leaves: Sequence[Leaf]) -> Sequence[Point]:
    seen = watched.course(entity, leaves, over.read_from, over.every)
    if rule.scope is not AlertScope.AGENT:
        return seen
    measured = await past.course(entity, over.resolution, over.read_from, over.before)
    return watched.beside(measured, seen, 2 * over.every)


def _nothing(scope: AlertScope, over: _Span) -> str:
    told = f"Nothing is stored of any {NAMES[scope]} between {over.since:%Y-%m-%d %H:%M} and {over.before:%Y-%m-%d %H:%M} UTC. "
    if scope is AlertScope.AGENT:
        return (
            told
            + "Agents are measured every 5 s, and beyond six hours by minutes that are over: ask for less, or in two minutes."
        )
    return (
        f"{told}What the monitor sees of each is stored every {watched.EVERY.seconds} s and kept for {watched.KEPT.days} days, from when "
        f"{FIRST[scope]}: ask for a later time, or once that has happened."
    )
