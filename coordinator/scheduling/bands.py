"""The waiting tasks of one priority: in lanes, one for each owner and each line, and the owners by their turn. Pure.

A line is what is alike to the scheduler: the same shape and the same home. So a decision looks at lines, owners and heads, and
never at every task.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from typing import TypeVar
from uuid import UUID

from sortedcontainers import SortedList

from bus.messages.places import Delay
from coordinator.scheduling.choice import Ask
from coordinator.scheduling.fairness import Shares
from coordinator.scheduling.shapes import Shape
from coordinator.scheduling.standing import NONE_CAME_BACK, Return

Order = tuple[int, UUID]
"""Sequence of arrival, id of the task."""
_Name = TypeVar("_Name")


@dataclass(frozen=True, slots=True)
class Kept:
    """Why a task is kept for a busy agent: a moment ago, the best of these that were free would have cost so much."""

    since: float
    """Second of the leader's clock at which one of this line and priority was first kept."""
    at: float
    """Second at which that was last decided."""
    ask: Ask
    cost: float
    free: frozenset[str]


@dataclass(slots=True, eq=False)
class Line:
    """`home` is the agent that the line's tasks wait for, for the sake of their conversation."""

    shape: Shape
    home: str | None = None
    waiting: int = 0
    waits_since: float | None = None
    """Second of the leader's clock at which it was first seen; it ends when nothing waits in it any more."""
    passed_since: float | None = None
    """Second of the leader's clock at which its head was first passed over for the sake of a warm model."""
    kept: dict[int, Kept] = field(default_factory=dict)
    """By priority: the first of that priority."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first task of an owner in a line."""

    order: Order
    owner: str
    line: Line


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Of one owner: what waits in each line, and the first of each, by arrival."""

    by_line: dict[Line, SortedList] = field(default_factory=dict)
    firsts: list[tuple[Order, Line]] = field(default_factory=list)

    def replace(self, line: Line, before: Order | None, after: Order | None) -> None:
        if before is not None:
            del self.firsts[bisect_left(self.firsts, before, key=_by_order)]
        if after is not None:
            insort(self.firsts, (after, line), key=_by_order)


class Band:
    """`weights` are those of owners; who is not named has 1."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.shares = Shares(weights)
        self.lines: dict[Line, int] = {}
        """How many tasks wait in each."""
        self.owners: dict[str, int] = {}
        self._lanes: dict[str, _Lanes] = {}
        self._heads = SortedList(key=_arrival)
        """The first of each lane, by arrival."""
        self._returned: dict[str, Return] = {}
        """By owner, while any of its tasks waits."""

    def __len__(self) -> int:
        return sum(self.owners.values())

    def add(self, owner: str, line: Line, orders: Collection[Order]) -> None:
        """Each at its place by arrival."""
        self.shares.join(owner)
        lane = self._lanes.setdefault(owner, _Lanes()).by_line.setdefault(line, SortedList())
        before = lane[0] if lane else None
        lane.update(orders)
        self._head(owner, line, before)
        self.owners[owner] = self.owners.get(owner, 0) + len(orders)
        self.lines[line] = self.lines.get(line, 0) + len(orders)
        line.waiting += len(orders)

    def discard(self, owner: str, line: Line, order: Order) -> None:
        """KeyError or ValueError when it is not there."""
        lanes = self._lanes[owner].by_line
        before = lanes[line][0]
        lanes[line].remove(order)
        self._head(owner, line, before)
        line.waiting -= 1
        if not lanes[line]:
            del lanes[line]
        _decrease(self.lines, line)
        if not _decrease(self.owners, owner):
            del self._lanes[owner]
            self._returned.pop(owner, None)
            self.shares.leave(owner)

    def _head(self, owner: str, line: Line, before: Order | None) -> None:
        """Its lane has changed."""
        lanes = self._lanes[owner]
        lane = lanes.by_line[line]
        after = lane[0] if lane else None
        if after != before:
            lanes.replace(line, before, after)
            if before is not None:
                self._heads.remove(Head(before, owner, line))
            if after is not None:
                self._heads.add(Head(after, owner, line))

    def by_age(self) -> Iterator[Head]:
        """The first of each owner and line, those that arrived first before the others."""
        return iter(self._heads)

    def oldest(self, line: Line) -> Iterator[Order]:
        """All that waits in it, by arrival."""
        return merge(*(lanes.by_line[line] for lanes in self._lanes.values() if line in lanes.by_line))

    def came_back(self, owner: str, reason: Delay) -> None:
        """A task of the owner that was tried before has been added."""
        self._returned[owner] = Return(self.returned(owner).number + 1, reason)

    def returned(self, owner: str) -> Return:
        return self._returned.get(owner, NONE_CAME_BACK)

    def first(self, lines: Collection[Line]) -> Head | None:
        """The oldest task, in any of these lines, of the owner whose turn it is."""
        for owner in self.shares:
            for order, line in self._lanes[owner].firsts:
                if line in lines:
                    return Head(order, owner, line)
        return None

    def upcoming(self, most: int) -> Iterator[UUID]:
        """The next tasks, at most so many, in the order in which they go if each finds a slot."""
        mine: dict[str, Iterator[Order]] = {}
        for owner in self.shares.upcoming(self.owners, most):
            if owner not in mine:
                mine[owner] = merge(*self._lanes[owner].by_line.values())
            yield next(mine[owner])[1]

    def before(self, owner: str, order: Order) -> tuple[int, int]:
        """How many of the same owner go before it, and how many of others."""
        own = sum(int(lane.bisect_left(order)) for lane in self._lanes[owner].by_line.values())
        return own, self.shares.others_before(owner, own, self.owners)


def _arrival(head: Head) -> Order:
    return head.order


def _by_order(head: tuple[Order, Line]) -> Order:
    return head[0]


def _decrease(counts: dict[_Name, int], name: _Name) -> int:
    left = counts[name] = counts[name] - 1
    if not left:
        del counts[name]
    return left
