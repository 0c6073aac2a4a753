"""What a second of an agent counts for, where more is asked of it than it can do (ADR 0023).

Pure; seconds are those of the leader's clock.
"""

from math import exp
from typing import Final

MEMORY_SECONDS: Final = 60.0
MOST: Final = 0.75
"""However much is asked of it, a second of an agent counts for no more than four of one that nobody else wants; where a model
must be loaded, choice.py squares that."""


class Demand:
    """The share of its slots' time that was lately given out while others waited that it could do: a moving average."""

    def __init__(self) -> None:
        self._share, self._at = 0.0, 0.0

    def add(self, seconds: float, slots: int, now: float) -> None:
        """So long will one of its slots be taken."""
        self._share, self._at = self._by(now) + seconds / (slots * MEMORY_SECONDS), now

    def _by(self, now: float) -> float:
        return self._share * exp(min(0.0, self._at - now) / MEMORY_SECONDS)

    def price(self, now: float) -> float:
        """Of a second: 1 where nobody waits for the agent, up to 4 where it is never idle."""
        return 1.0 / (1.0 - min(MOST, self._by(now))) if self._share else 1.0
