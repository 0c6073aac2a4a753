"""Tallies by a name: of a model, of a user, of a workflow. Bounded, since names are as many as people like. Pure."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from bus.messages.cluster import Quality
from monitor.tally import Tally

MOST: Final = 1000
"""Of each kind. Beyond it the one of which nothing ended for longest is forgotten."""

Q = TypeVar("Q", bound=Quality)


class Groups:
    def __init__(self, most: int = MOST) -> None:
        self._most, self._tallies = most, OrderedDict[str, Tally]()

    def add(self, name: str, tally: Tally) -> None:
        self._tallies[name] = self._tallies.pop(name, Tally()) + tally
        if len(self._tallies) > self._most:
            self._tallies.popitem(last=False)

    def told(self, record: Callable[[str, Tally], Q]) -> tuple[Q, ...]:
        return tuple(record(name, tally) for name, tally in self)

    def __iter__(self) -> Iterator[tuple[str, Tally]]:
        """By name."""
        return iter(sorted(self._tallies.items()))
