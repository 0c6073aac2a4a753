"""Tallies by a name: of a model; by tenant and name: of a user, of a workflow. Bounded, since names are as many as people like. Pure.

Each is of all that ended; of what was added with its time there is one of the last hour, too.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, Generic, TypeVar

from bus.messages.cluster import Quality
from monitor.tally import Tally
from monitor.window import LastHour

MOST: Final = 1000
"""Of each kind. Beyond it the one of which nothing ended for longest is forgotten."""

K = TypeVar("K", str, tuple[str, str])
Q = TypeVar("Q", bound=Quality)


class Groups(Generic[K]):
    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._tallies: OrderedDict[K, Tally] = OrderedDict()
        self._hours: dict[K, LastHour] = {}

    def add(self, name: K, tally: Tally, at: datetime | None = None) -> None:
        self._tallies[name] = self._tallies.pop(name, Tally()) + tally
        if at is not None:
            self._hours.setdefault(name, LastHour()).add(at, tally)
        if len(self._tallies) > self._most:
            gone, _ = self._tallies.popitem(last=False)
            self._hours.pop(gone, None)

    def lately(self, name: K, now: datetime) -> Tally:
        """Of the last hour."""
        hour = self._hours.get(name)
        return hour.sum(now) if hour else Tally()

    def told(self, record: Callable[[K, Tally], Q]) -> tuple[Q, ...]:
        return tuple(record(name, tally) for name, tally in self)

    def __iter__(self) -> Iterator[tuple[K, Tally]]:
        """By name."""
        return iter(sorted(self._tallies.items()))
