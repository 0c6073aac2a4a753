"""Failures in this process: for tests, for a hive without Redis, and while Redis is away."""

from collections.abc import Callable, Sequence
from time import time
from typing import Final

from bus.guarding.pace import Failures, Pace, must_wait

MOST: Final = 10_000
"""Names that are remembered; the oldest make room."""


class MemoryFailures:
    """`now` is in seconds since the epoch."""

    def __init__(self, pace: Pace, now: Callable[[], float] = time) -> None:
        self._pace, self._now = pace, now
        self._known: dict[str, tuple[Failures, float]] = {}
        """With when each is forgotten."""

    async def begin(self, names: Sequence[str]) -> tuple[float, int]:
        """Seconds to wait; 0: it counts as failed from now on. And how often the first name has failed."""
        now = self._now()
        known = [self._of(name, now) for name in names]
        if seconds := must_wait(known, now):
            return seconds, known[0].number
        for name, before in zip(names, known, strict=True):
            number = before.number + 1
            self._known.pop(name, None)
            until = now + self._pace.wait(number)
            self._known[name] = (Failures(number, until), now + self._pace.forgotten_after(number))
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        return 0.0, known[0].number + 1

    async def take_back(self, names: Sequence[str]) -> None:
        """The attempt that was begun had the right secret."""
        for name in names:
            found = self._known.get(name)
            if found is None:
                continue
            number = found[0].number - 1
            if number <= 0:
                del self._known[name]
            else:
                until = self._now() + self._pace.wait(number)
                self._known[name] = (Failures(number, min(until, found[0].until)), found[1])

    def _of(self, name: str, now: float) -> Failures:
        found = self._known.get(name)
        return Failures() if found is None or found[1] <= now else found[0]
