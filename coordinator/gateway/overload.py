"""The bound of the queue, as the doors keep it: over it a submit is refused at once, with the time after which to come back.

No door asks the leader for each submit. What waits is the leader's last word, a second old or less, and what this door has taken
since. So the bound may be passed by what the other doors take in that second: with `n` doors, by that of `n - 1` of them; and by what
was on its way to the leader as it spoke.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from time import monotonic
from typing import Final

from bus.errors import QueueFull, StoreFull
from bus.messages import ClusterStatus, TaskClass
from bus.overview import Overview

RESERVE: Final = 0.1
"""Of the queue, for class `high` alone: whoever fills the rest does not keep urgent tasks out."""
FRESH_SECONDS: Final = 3.0
"""For so long after a word its rate is believed: while nobody leads, nothing leaves the queue."""
MAX_RETRY_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What a leader said of the queue. `ended_per_second` is what leaves it."""

    waiting: int = 0
    slots_free: int = 0
    ended_per_second: float = 0.0

    @classmethod
    def of(cls, status: ClusterStatus, before: "Load") -> "Load":
        """A new leader that still reads what waits knows too little of it: then what was known before counts."""
        waiting = sum(status.queue.values())
        if status.loading:
            waiting = max(waiting, before.waiting)
        return cls(waiting, status.slots_free, sum(status.throughput.values()))

    def expected(self, taken: int, seconds: float) -> int:
        """How many wait by now: of those `taken` since, some have found a free slot, and others have ended."""
        found_room = self.slots_free + self.ended_per_second * min(seconds, FRESH_SECONDS)
        return self.waiting + max(0, ceil(taken - found_room))

    def retry_after_seconds(self, too_many: int) -> int:
        """Until so many have left the queue, from 1 to 60."""
        if self.ended_per_second * MAX_RETRY_SECONDS <= too_many:
            return MAX_RETRY_SECONDS
        return max(1, ceil(too_many / self.ended_per_second))


def bound_of(max_waiting: int, task_class: TaskClass) -> int:
    """How many may wait before a task of this class is refused."""
    return max_waiting if task_class is TaskClass.HIGH else max_waiting - int(max_waiting * RESERVE)


class Overload:
    """`take` for each task before it is published, `give_back` where it was not stored after all."""

    def __init__(self, overview: Overview, max_waiting: int, now: Callable[[], float] = monotonic) -> None:
        self._overview, self._max_waiting, self._now = overview, max_waiting, now
        self._load, self._heard_at, self._taken = Load(), now(), 0
        self._said_at: datetime | None = None

    def take(self, task_class: TaskClass) -> None:
        """QueueFull when as many wait as may."""
        self._listen()
        waiting = self._load.expected(self._taken, self._now() - self._heard_at)
        bound = bound_of(self._max_waiting, task_class)
        if waiting >= bound:
            raise self._full(f"{waiting:,} tasks wait, and {bound:,} may{_reserved(task_class)}.", waiting - bound + 1)
        self._taken += 1

    def give_back(self) -> None:
        self._taken = max(0, self._taken - 1)

    @contextmanager
    def room(self, task_class: TaskClass) -> Iterator[None]:
        """For what publishes one task. QueueFull where there is no room, here or on the stream."""
        self.take(task_class)
        try:
            yield
        except StoreFull:
            self.give_back()
            raise self.stream_is_full() from None

    def stream_is_full(self) -> QueueFull:
        """The server's own bound, which holds whoever publishes, and also while nobody leads."""
        self._listen()
        return self._full("The bus holds as many submits as it may, and nobody has read them yet.", 1)

    def _full(self, what: str, too_many: int) -> QueueFull:
        seconds = self._load.retry_after_seconds(too_many)
        return QueueFull(f"{what} Nothing was taken; try again in {seconds} s.", retry_after_seconds=seconds)

    def _listen(self) -> None:
        """Whether the leader has spoken since: then what this door took before is in its word, or will be in the next."""
        status = self._overview.last_word
        if status is not None and status.updated_at != self._said_at:
            self._load, self._said_at = Load.of(status, self._load), status.updated_at
            self._heard_at, self._taken = self._now(), 0


def _reserved(task_class: TaskClass) -> str:
    return "" if task_class is TaskClass.HIGH else " unless they are urgent (priority 1 or 2)"
