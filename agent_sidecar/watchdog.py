"""Says when an attempt has had its time: no first token, no progress since, or the task's own timeout."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto


class Stop(Enum):
    """Why an attempt is ended before its backend ended it."""

    CANCELLED = auto()
    PREEMPTED = auto()
    TIMED_OUT = auto()
    STALLED = auto()
    AGENT_LEAVES = auto()


_LATE_SECONDS = 0.5
"""A timer that fires this late was held up with the whole process: the backend may have spoken in the meantime."""


class Watchdog:
    """One timer that is looked at when it fires, so that a token costs no more than noting the time."""

    def __init__(
        self, *, first_seconds: float, stall_seconds: float, total_seconds: float, stop: Callable[[Stop], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._end = self._heard + total_seconds
        self._silence, self._stall_seconds = first_seconds, stall_seconds
        self._stop = stop
        self._schedule()

    def hear(self, *, output: bool) -> None:
        """The backend gave a sign of life; with output, the stricter limit holds from now on."""
        self._heard = self._loop.time()
        if output:
            self._silence = self._stall_seconds

    def close(self) -> None:
        self._timer.cancel()

    def _schedule(self) -> None:
        """At the limit as it is now, and earlier than the stricter one that may hold by then."""
        self._due = min(self._end, self._heard + self._silence, self._loop.time() + self._stall_seconds)
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if now - self._due > _LATE_SECONDS:
            self._heard = now
        if now >= self._end:
            self._stop(Stop.TIMED_OUT)
        elif now >= self._heard + self._silence:
            self._stop(Stop.STALLED)
        else:
            self._schedule()
