"""How many tasks end in a second, by how they end. Pure: the time is passed in."""

from collections import Counter, deque
from typing import Final

from bus.messages import TaskStatus

WINDOW_SECONDS: Final = 60
ENDS: Final = tuple(status for status in TaskStatus if status.terminal)


class Throughput:
    """Over the last minute, or since `began` where that is later. Memory: one count a second."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._seconds: deque[tuple[int, Counter[TaskStatus]]] = deque()

    def count(self, status: TaskStatus, now: float) -> None:
        if not self._seconds or self._seconds[-1][0] != int(now):
            self._seconds.append((int(now), Counter()))
            self._drop(now)
        self._seconds[-1][1][status] += 1

    def rates(self, now: float) -> dict[str, float]:
        """Tasks a second."""
        self._drop(now)
        ended = sum((counts for _, counts in self._seconds), Counter[TaskStatus]())
        seconds = min(float(WINDOW_SECONDS), max(1.0, now - self._began))
        return {status.value: round(ended[status] / seconds, 3) for status in ENDS}

    def _drop(self, now: float) -> None:
        while self._seconds and self._seconds[0][0] <= now - WINDOW_SECONDS:
            self._seconds.popleft()
