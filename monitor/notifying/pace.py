"""How often a target is written to. Pure; times are seconds of one clock, passed in."""

from collections import deque
from typing import Final

FIRST_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 600.0
MINUTE: Final = 60.0


class Pace:
    """At most `per_minute` messages in any minute; after one that was not taken a rest that doubles."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute, self._sent = per_minute, deque[float]()
        self._failures, self._rests_until = 0, float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next may be tried; 0: now."""
        while self._sent and self._sent[0] <= now - MINUTE:
            self._sent.popleft()
        full = self._sent[0] + MINUTE - now if len(self._sent) >= self._per_minute else 0.0
        return max(full, self._rests_until - now, 0.0)

    def tried(self, now: float) -> None:
        self._sent.append(now)

    def taken(self) -> None:
        self._failures, self._rests_until = 0, float("-inf")

    def failed(self, now: float) -> None:
        self._rests_until = now + min(FIRST_SECONDS * 2**self._failures, LONGEST_SECONDS)
        self._failures = min(self._failures + 1, 10)
