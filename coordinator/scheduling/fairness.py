"""Whose turn it is: start-time fair queueing between the owners that wait, by seconds of service over weight. Pure.

Each owner has a tag, which grows by what it is given. The lowest goes first. Who comes anew begins where the others are, and so has
neither credit from the time in which it asked for nothing, nor debt beyond its last task.
"""

from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heapreplace, nlargest
from itertools import count, islice
from math import floor
from operator import itemgetter
from typing import Final

from sortedcontainers import SortedList

FIRST_SECONDS: Final = 7.0
"""What a task is taken to cost until one was given out."""
_SMOOTHING: Final = 0.1
_MOST_DEBTS: Final = 10_000
"""The smaller half is forgiven then: anybody may publish under any owner's name."""

_Turn = tuple[float, int, str]
"""Tag, order of joining, owner."""


class Shares:
    """Of one priority. Tags are seconds of service over weight."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._turns: SortedList = SortedList()
        self._waiting: dict[str, _Turn] = {}
        self._debts: dict[str, float] = {}
        """Tags of those who have left, while they are ahead of the others."""
        self._virtual = 0.0
        self._joined = count()
        self._typical = FIRST_SECONDS

    def __iter__(self) -> Iterator[str]:
        """The owners that wait, in their turn."""
        return (turn[2] for turn in self._turns)

    def join(self, owner: str) -> None:
        if owner not in self._waiting:
            self._put(max(self._virtual, self._debts.pop(owner, 0.0)), next(self._joined), owner)

    def leave(self, owner: str) -> None:
        """It waits for nothing more."""
        turn = self._waiting.pop(owner, None)
        if turn is None:
            return
        self._turns.remove(turn)
        if turn[0] > self._virtual:
            if len(self._debts) >= _MOST_DEBTS:
                self._debts = dict(nlargest(_MOST_DEBTS // 2, self._debts.items(), key=itemgetter(1)))
            self._debts[owner] = turn[0]

    def charge(self, owner: str, seconds: float) -> None:
        """One of its tasks was given out; predicted are so many seconds of service."""
        tag, joined, _ = turn = self._waiting[owner]
        self._turns.remove(turn)
        self._virtual = max(self._virtual, tag)
        self._typical += _SMOOTHING * (seconds - self._typical)
        self._put(tag + seconds / self._weight(owner), joined, owner)

    def _put(self, tag: float, joined: int, owner: str) -> None:
        turn = self._waiting[owner] = (tag, joined, owner)
        self._turns.add(turn)

    def _weight(self, owner: str) -> float:
        return self._weights.get(owner, 1.0)

    def others_before(self, owner: str, place: int, waiting: Mapping[str, int]) -> int:
        """How many tasks of others, who have so many `waiting`, come before this owner's at `place` (0 is its first), if all are alike."""
        tag, joined, _ = self._waiting[owner]
        mine = tag + place * self._typical / self._weight(owner)
        return sum(
            min(many, self._turns_until(mine, joined, self._waiting[other]))
            for other, many in waiting.items()
            if other != owner
        )

    def upcoming(self, waiting: Mapping[str, int], most: int) -> Iterator[str]:
        """The owner of each of the next tasks, at most so many of those `waiting`, if all are alike."""
        turns = list(islice(self._turns, most))
        heapify(turns)
        left = dict[str, int]()
        for _ in range(most):
            if not turns:
                return
            tag, joined, owner = turns[0]
            yield owner
            left[owner] = left.get(owner, waiting[owner]) - 1
            if left[owner]:
                heapreplace(turns, (tag + self._typical / self._weight(owner), joined, owner))
            else:
                heappop(turns)

    def _turns_until(self, tag: float, joined: int, other: _Turn) -> int:
        step = self._typical / self._weight(other[2])
        steps = (tag - other[0]) / step
        if steps < -1e-9:
            return 0
        whole = floor(steps + 1e-9)
        ties = abs(steps - whole) <= 1e-9
        return whole + (1 if not ties or other[1] < joined else 0)
