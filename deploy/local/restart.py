"""How long to wait before a process that ended is started again: pure."""

from dataclasses import dataclass, replace
from typing import Final, Self

FIRST_SECONDS: Final = 0.2
LONGEST_SECONDS: Final = 10.0
HEALTHY_SECONDS: Final = 30.0
"""Who ran for so long and then ended had a bad day, not a bad configuration."""


@dataclass(frozen=True)
class Backoff:
    """Doubles with every crash in a row."""

    crashes: int = 0

    def after(self, ran_seconds: float) -> Self:
        """One more crash, after the process had run for that long."""
        return replace(self, crashes=1 if ran_seconds >= HEALTHY_SECONDS else self.crashes + 1)

    @property
    def delay_seconds(self) -> float:
        return min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(max(self.crashes - 1, 0), 20))
