"""How well an agent does what it is given, by its last attempts. Pure: the time is passed in.

    effective proficiency = declared × reliability × (1 + pace) / 2

    reliability = (A + completed) / (A + completed + failed)
    pace        = (A + sum of the paces of the completed) / (A + completed)
    pace of one = the least of 1, tokens per second / min_tps, and max_response_time / seconds it took, as far as targets are named

`A` attempts that went well are assumed of everybody (ASSUMED), so that one failure is no verdict. An agent that never meets its
targets keeps half of what it declared: it is slow, not wrong. All counts lose half of their weight in HALF_LIFE_SECONDS, so that
an agent which is given nothing any more, because of what was measured, is in time given another chance.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bus.messages import PerformanceTargets, Timings

ASSUMED: Final = 10.0
HALF_LIFE_SECONDS: Final = 1800.0
LEAST_WEIGHT: Final = 0.05
"""A rate of less than so many attempts says nothing and is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Weights of attempts as they were at `at`. `paces` is the sum over the completed."""

    completed: float = 0.0
    failed: float = 0.0
    paces: float = 0.0
    at: datetime | None = None

    def at_time(self, now: datetime) -> "Track":
        """What is left of it."""
        seconds = max(0.0, (now - self.at).total_seconds()) if self.at else 0.0
        left = 0.5 ** (seconds / HALF_LIFE_SECONDS)
        return Track(completed=self.completed * left, failed=self.failed * left, paces=self.paces * left, at=now)

    def with_completed(self, pace: float, now: datetime) -> "Track":
        known = self.at_time(now)
        return Track(completed=known.completed + 1, failed=known.failed, paces=known.paces + pace, at=now)

    def with_failed(self, now: datetime) -> "Track":
        known = self.at_time(now)
        return Track(completed=known.completed, failed=known.failed + 1, paces=known.paces, at=now)

    @property
    def reliability(self) -> float:
        return (ASSUMED + self.completed) / (ASSUMED + self.completed + self.failed)

    @property
    def pace(self) -> float:
        return (ASSUMED + self.paces) / (ASSUMED + self.completed)

    @property
    def factor(self) -> float:
        """From declared to effective proficiency."""
        return self.reliability * (1 + self.pace) / 2

    @property
    def success_rate(self) -> float | None:
        """As it was measured, without what is assumed."""
        ended = self.completed + self.failed
        return self.completed / ended if ended >= LEAST_WEIGHT else None

    @property
    def target_rate(self) -> float | None:
        return self.paces / self.completed if self.completed >= LEAST_WEIGHT else None


def pace_of(timings: Timings, targets: PerformanceTargets) -> float:
    """How well one attempt met the targets, from 0 to 1. What was not measured, or not asked for, is met."""
    met = [1.0]
    if targets.min_tps and timings.generation_tokens_per_second is not None:
        met.append(timings.generation_tokens_per_second / targets.min_tps)
    if targets.max_response_time and timings.total_seconds:
        met.append(targets.max_response_time / timings.total_seconds)
    return max(0.0, min(met))
