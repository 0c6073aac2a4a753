"""How often somebody may try a secret at a door that nobody needs a key for. In memory: each gateway counts what comes to it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Final

from bus.errors import TooManyAttempts

WINDOW_SECONDS: Final = 60.0
PER_ADDRESS: Final = 10
ALTOGETHER: Final = 100
"""So that many addresses together are bounded too; also what this remembers at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    address: str
    at: float


class Attempts:
    """`now` is monotonic, in seconds."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._recent: deque[Attempt] = deque()

    def begin(self, address: str) -> Attempt:
        """Counted as failed until it is `succeeded`, so that many at once are no way around. TooManyAttempts."""
        now = self._now()
        while self._recent and self._recent[0].at <= now - WINDOW_SECONDS:
            self._recent.popleft()
        mine = [attempt for attempt in self._recent if attempt.address == address]
        if len(mine) >= PER_ADDRESS:
            raise _too_many("from this address", mine[0], now)
        if len(self._recent) >= ALTOGETHER:
            raise _too_many("from all addresses together", self._recent[0], now)
        attempt = Attempt(address, now)
        self._recent.append(attempt)
        return attempt

    def succeeded(self, attempt: Attempt) -> None:
        if attempt in self._recent:
            self._recent.remove(attempt)


def _too_many(whose: str, oldest: Attempt, now: float) -> TooManyAttempts:
    seconds = max(1, ceil(oldest.at + WINDOW_SECONDS - now))
    return TooManyAttempts(f"Too many attempts to join failed {whose}. Try again in {seconds} s.", retry_after_seconds=seconds)
