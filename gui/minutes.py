"""What ended in each of the last sixty minutes. Pure."""

from bus.messages import TaskStatus
from gui.frames import Minute, TaskRow

MINUTES = 60


class Minutes:
    """Counts ends by the minute in which they were; what is older is forgotten."""

    def __init__(self) -> None:
        self._held: dict[int, Minute] = {}

    def count(self, row: TaskRow) -> None:
        """A task that has just ended."""
        minute = (row.ended_ms or 0) // 60_000
        old = self._held.get(minute, Minute())
        self._held[minute] = Minute(
            completed=old.completed + (row.status is TaskStatus.COMPLETED),
            failed=old.failed + (row.status is TaskStatus.FAILED),
            tokens=old.tokens + (row.tokens or 0),
        )
        if len(self._held) > MINUTES:
            del self._held[min(self._held)]

    def last(self, now_ms: int) -> tuple[Minute, ...]:
        """One for each, oldest first."""
        last = now_ms // 60_000
        return tuple(self._held.get(minute, Minute()) for minute in range(last - MINUTES + 1, last + 1))
