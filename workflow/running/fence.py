"""Between what an engine saved and what it then does outside: whether it can still know that nobody else has its executions."""

import asyncio
import math
import time
from typing import Final

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, as the lease does."""


def now() -> float:
    """Seconds."""
    return time.clock_gettime(_CLOCK)


class Fence:
    """Open until `proven` is first called; then open for as long as was proven last."""

    def __init__(self) -> None:
        self._until = math.inf
        self._again = asyncio.Event()

    def proven(self, until: float) -> None:
        """The lease cannot have been taken before `until`, in seconds of `now`."""
        self._until = until
        self._again.set()

    @property
    def is_open(self) -> bool:
        return now() < self._until

    async def passed(self) -> None:
        """At once where it is open; else when the lease is proven again. Where it was lost, whoever waits here is cancelled."""
        while not self.is_open:
            self._again.clear()
            await self._again.wait()
