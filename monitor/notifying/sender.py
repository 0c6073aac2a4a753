"""Sends what is to be sent, until it is taken: one message at a time to each target, and to many at once.

What was taken is marked only then. So after a crash in between it is sent once more; nothing is lost.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from bus import telemetry
from bus.errors import HiveError, NotificationFailed
from bus.messages.alerts import Alert
from bus.together import end
from monitor.notifying import alertmanager
from monitor.notifying.by_apprise import ByApprise
from monitor.notifying.message import TEST, words_of
from monitor.notifying.pace import Pace
from monitor.notifying.record import NotificationRecord
from monitor.notifying.targets import Notice, Target

logger = telemetry.log(__name__)

GIVEN_UP: Final = timedelta(days=1)
"""Nobody wants to be called by older news."""
MOST_OF_ONE: Final = 500
LOOK_SECONDS: Final = 15.0


@dataclass(slots=True)
class Health:
    """How it goes with one target, since this monitor keeps the watch."""

    waiting: int = 0
    sent_at: datetime | None = None
    failure: str | None = None
    posted: float = float("-inf")
    """When an Alertmanager was last told how all stand."""


def now_utc() -> datetime:
    return datetime.now(UTC)


class Sender:
    """`standing`: alerts as they stand, and those that were resolved lately."""

    def __init__(
        self, record: NotificationRecord, apprise: ByApprise, standing: Callable[[], Iterable[Alert]], per_minute: int
    ) -> None:
        self._record, self._apprise, self._standing, self._per_minute = record, apprise, standing, per_minute
        self._targets: Mapping[str, Target] = {}
        self._paces: dict[str, Pace] = {}
        self._health: dict[str, Health] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()

    def use(self, targets: Mapping[str, Target]) -> None:
        """What changed begins anew: it may be that its address was wrong."""
        changed = [name for name, target in self._targets.items() if targets.get(name) != target]
        for name in changed:
            self._paces.pop(name, None)
            self._health.pop(name, None)
        self._targets = targets
        self._wake.set()

    def changed(self) -> None:
        """Alerts have changed, and are rows."""
        for health in self._health.values():
            health.posted = float("-inf")
        self._wake.set()

    def health(self, name: str) -> Health:
        return self._health.setdefault(name, Health())

    async def run(self) -> None:
        """For ever. DatabaseUnavailable."""
        try:
            while True:
                self._wake.clear()
                wait = await self.round(now_utc(), monotonic())
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
        finally:
            await end(list(self._sending.values()))

    async def round(self, now: datetime, clock: float) -> float:
        """Begins what may be sent now. Returns seconds until there may be more."""
        enabled = {name: target for name, target in self._targets.items() if target.routing.enabled}
        mailed = [name for name, target in enabled.items() if not target.is_alertmanager]
        unsent = await self._record.unsent(mailed, now - GIVEN_UP, MOST_OF_ONE) if mailed else []
        waits = [LOOK_SECONDS]
        for name, target in enabled.items():
            if name not in self._sending:
                own = [notice for notice in unsent if notice.target == name]
                self.health(name).waiting = len(own)
                waits.append(self._next(target, own, now, clock))
        return max(min(waits), 0.01)

    def _next(self, target: Target, own: Sequence[Notice], now: datetime, clock: float) -> float:
        pace = self._paces.setdefault(target.name, Pace(self._per_minute))
        due = (
            self.health(target.name).posted + alertmanager.REPEAT_SECONDS - clock
            if target.is_alertmanager
            else first_due(own, now)
        )
        wait = max(due, pace.wait(clock))
        if wait <= 0:
            pace.tried(clock)
            work = self._post(target, clock) if target.is_alertmanager else self._send(target, group(own, now))
            self._sending[target.name] = asyncio.create_task(self._carry_out(target, pace, work))
            return LOOK_SECONDS
        return wait

    async def _carry_out(self, target: Target, pace: Pace, work: Coroutine[Any, Any, None]) -> None:
        health = self.health(target.name)
        try:
            await work
        except NotificationFailed as error:
            pace.failed(monotonic())
            health.failure = error.message
            logger.warning("notification_failed", target=target.name, kind=target.kind, reason=error.message)
        except HiveError as error:  # the record is away: what was sent is sent again
            pace.failed(monotonic())
            logger.warning("notification_not_marked", target=target.name, reason=error.message)
        else:
            pace.taken()
            health.failure = None
        finally:
            self._sending.pop(target.name, None)
            self._wake.set()

    async def _send(self, target: Target, alerts: Sequence[Alert]) -> None:
        await self._apprise.send(target.url, words_of(alerts))
        at = now_utc()
        self.health(target.name).sent_at = at
        logger.info("notification_sent", target=target.name, kind=target.kind, rule=alerts[0].rule, alerts=len(alerts))
        await self._record.sent(target.name, alerts, at)
        self.health(target.name).waiting -= len(alerts)

    async def _post(self, target: Target, clock: float) -> None:
        """What changes meanwhile is posted next: only what was read here counts as told."""
        self.health(target.name).posted = clock
        told = alertmanager.posted((alert for alert in self._standing() if target.covers(alert)), now_utc())
        try:
            if told:
                await alertmanager.post(target.url, told)
                self.health(target.name).sent_at = now_utc()
        except NotificationFailed:
            self.health(target.name).posted = float("-inf")
            raise

    async def test(self, target: Target) -> float:
        """Sends a message that says it is a test, now. Returns seconds. NotificationFailed."""
        began = monotonic()
        if target.is_alertmanager:
            await alertmanager.post(target.url, alertmanager.test(now_utc()))
        else:
            await self._apprise.send(target.url, TEST)
        return monotonic() - began


def first_due(own: Sequence[Notice], now: datetime) -> float:
    """Seconds."""
    return min(((notice.due_at - now).total_seconds() for notice in own), default=float("inf"))


def group(own: Sequence[Notice], now: datetime) -> list[Alert]:
    """One message: all that waits of the rule that is due first."""
    rule = min(own, key=lambda notice: notice.due_at).alert.rule
    return [notice.alert for notice in own if notice.alert.rule == rule]
