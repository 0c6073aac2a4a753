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

from bus.errors import BackendError
from bus.messages import FailureInfo
from bus.messages.merits import HeldModel
from coordinator.scheduling.policy import Policy

LONGEST_SECONDS: Final = 300.0
NEVER: Final = datetime.min.replace(tzinfo=UTC)
MOST_KNOWN: Final = 16
"""Tasks whose failures are remembered: the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Of one model on one agent. `reason` is the code of the last failure: the backend's words are for the task's owner. `trips` is how
    often it opened since a task completed.
    """

    failed: tuple[UUID, ...] = ()
    reason: str = ""
    trips: int = 0
    opened: datetime = NEVER
    until: datetime = NEVER

    def after_failure(
        self, task_id: UUID, error: FailureInfo | None, began: datetime, now: datetime, policy: Policy
    ) -> "Breaker":
        """Attempts that `began` before it opened say nothing new, however late they end; nor does what fails while it is open. A task that
        failed there before holds it no longer than it was held.
        """
        if now < self.until or began < self.opened:
            return self
        is_new = task_id not in self.failed
        failed = (*self.failed, task_id)[-MOST_KNOWN:] if is_new else self.failed
        reason = BackendError.code if error is None else error.code
        if not self.trips and len(failed) < policy.breaker_failures:
            return replace(self, failed=failed, reason=reason)
        trips = self.trips + 1 if is_new or not self.trips else self.trips
        seconds = min(LONGEST_SECONDS, policy.breaker_seconds * 2.0 ** min(trips - 1, 16))
        return Breaker(failed=failed, reason=reason, trips=trips, opened=now, until=now + timedelta(seconds=seconds))

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
