"""What came lately: a sum over the last hour, to the minute. Pure; times are those of the events."""

from datetime import datetime
from typing import Final

from monitor.tally import Tally

SECONDS: Final = 3600
BUCKET_SECONDS: Final = 60
_MOST: Final = 2 * SECONDS // BUCKET_SECONDS
"""Minutes that are held where nobody asks for the sum. A few of a clock that is ahead push out none of the hour."""


class LastHour:
    """Holds one tally a minute, however much comes, in whatever order, and what those add up to: it is asked for a thousand names at a time."""

    def __init__(self) -> None:
        self._minutes: dict[int, Tally] = {}
        self._sum = Tally()

    def add(self, at: datetime, tally: Tally) -> None:
        minute = _minute(at)
        self._minutes[minute] = self._minutes.get(minute, Tally()) + tally
        self._sum += tally
        if len(self._minutes) > _MOST:
            self._forget(min(self._minutes))

    def sum(self, now: datetime) -> Tally:
        """An event of a clock that is ahead counts; one that is older than the hour is forgotten."""
        oldest = _minute(now) - SECONDS // BUCKET_SECONDS + 1
        for minute in [minute for minute in self._minutes if minute < oldest]:
            self._forget(minute)
        return self._sum

    def _forget(self, minute: int) -> None:
        self._sum -= self._minutes.pop(minute)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // BUCKET_SECONDS
