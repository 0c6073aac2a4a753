"""What an agent's recent attempts add up to, for its metrics and for what to expect of the next one. Pure."""

from collections import deque
from dataclasses import dataclass

from bus.messages import AttemptOutcome, OutcomeStatus

WINDOW_SECONDS = 60.0
_KEPT = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    at: float
    succeeded: bool
    total_seconds: float
    tokens: float
    generation_seconds: float


@dataclass(frozen=True, kw_only=True)
class Recent:
    """Of the last minute; None where nothing ended. Rates are fractions of 1, times are in seconds."""

    tokens_per_second: float | None = None
    response_time: float | None = None
    success_rate: float | None = None
    error_rate: float | None = None


class Tally:
    """An attempt that was stopped from outside says nothing about the agent and is not counted."""

    def __init__(self) -> None:
        self._ended: deque[_Ended] = deque(maxlen=_KEPT)

    def add(self, outcome: AttemptOutcome, now: float) -> None:
        if outcome.status in (OutcomeStatus.CANCELLED, OutcomeStatus.PREEMPTED):
            return
        rate, seconds = outcome.timings.generation_tokens_per_second, outcome.timings.generation_seconds
        self._ended.append(
            _Ended(
                at=now,
                succeeded=outcome.status is OutcomeStatus.COMPLETED,
                total_seconds=outcome.timings.total_seconds or 0.0,
                tokens=rate * seconds if rate and seconds else 0.0,
                generation_seconds=seconds or 0.0,
            )
        )

    def recent(self, now: float) -> Recent:
        ended = [entry for entry in self._ended if now - entry.at <= WINDOW_SECONDS]
        if not ended:
            return Recent()
        good = [entry for entry in ended if entry.succeeded]
        seconds = sum(entry.generation_seconds for entry in good)
        return Recent(
            tokens_per_second=sum(entry.tokens for entry in good) / seconds if seconds else None,
            response_time=sum(entry.total_seconds for entry in good) / len(good) if good else None,
            success_rate=len(good) / len(ended),
            error_rate=1 - len(good) / len(ended),
        )
