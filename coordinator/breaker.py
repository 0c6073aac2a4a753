"""When one model keeps failing on one agent: it is not given to it for a while, and its other models go on. Pure: the time is passed in.

closed      tasks are given to it; `failed` are those that failed in a row
open        until `until`, nothing is
half-open   one task at a time is, until one completes (closed) or fails (open again, for twice as long)

Tasks are counted and not attempts: one whose own content makes the model fail is tried there again, and says nothing about the others.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from bus.messages import FailureInfo
from bus.messages.merits import HeldModel
from coordinator.policy import Policy

LONGEST_SECONDS: Final = 300.0
NEVER: Final = datetime.min.replace(tzinfo=UTC)
MOST_WORDS: Final = 200
"""Characters of a backend's message that are repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Of one model on one agent. `reason` is what the last one failed with; `trips` how often it opened since a task completed."""

    failed: frozenset[UUID] = frozenset()
    reason: str = ""
    trips: int = 0
    until: datetime = NEVER

    def after_failure(self, task_id: UUID, error: FailureInfo | None, now: datetime, policy: Policy) -> "Breaker":
        """While it is open, attempts that began before say nothing new."""
        if now < self.until:
            return self
        failed = self.failed | {task_id}
        reason = "the backend failed" if error is None else f"{error.code}: {error.message[:MOST_WORDS]}"
        if not self.trips and len(failed) < policy.breaker_failures:
            return replace(self, failed=failed, reason=reason)
        seconds = min(LONGEST_SECONDS, policy.breaker_seconds * 2.0 ** min(self.trips, 16))
        return Breaker(failed=failed, reason=reason, trips=self.trips + 1, until=now + timedelta(seconds=seconds))

    def holds(self, now: datetime, *, tried: bool) -> bool:
        """Whether nothing is to be given to it. `tried`: a task is at it."""
        return self.trips > 0 and (now < self.until or tried)

    def shown(self) -> HeldModel:
        return HeldModel(reason=self.reason, failed=len(self.failed), trips=self.trips, until=self.until)


def why(model: str, breaker: Breaker) -> str:
    """For a person, of one that holds."""
    return (
        f"{model} is held back there: {len(breaker.failed)} tasks in a row failed, the last with {breaker.reason}; "
        f"one is tried again from {breaker.until:%H:%M:%S} UTC on"
    )
