"""How many executions are in memory at once, how much they hold, and who is next.

Owners take turns. Of the places to wait in, and of the bytes, an owner may have as much as is left for the others: one alone half, so
that there is always something left for whoever comes next, and a storm of one is refused before it is anybody else's.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable

from bus.errors import TooManyExecutions
from bus.exposition import Sample

RETRY_SECONDS = 2


class RunningGate:
    """`running` at once; `waiting` more may wait, and what they were started with may have `held_bytes` in all, where a caller asks
    with `enter_or_refuse`."""

    def __init__(self, running: int, waiting: int, held_bytes: int) -> None:
        self._free, self._most_waiting, self._most_bytes = running, waiting, held_bytes
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._waiting = 0
        self._aside: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    async def enter_or_refuse(self, owner: str, size: int = 0) -> None:
        """`size`: bytes of what it is started with, held until `leave`. TooManyExecutions."""
        self._require_room(owner, size)
        self._hold(owner, size)
        try:
            await self.enter(owner)
        except BaseException:
            self._hold(owner, -size)
            raise

    def _require_room(self, owner: str, size: int) -> None:
        aside, waiting = self._aside[owner], self._waiting + self._aside.total()
        own = len(self._queues.get(owner, ())) + aside
        if (self._free <= 0 or aside) and own >= self._most_waiting - waiting:
            raise TooManyExecutions(
                f"{waiting:,} executions wait for room, {own:,} of them yours. Try again shortly, or start another engine.",
                retry_after_seconds=RETRY_SECONDS,
            )
        held = self._bytes.total()
        if held and self._bytes[owner] + size > self._most_bytes - held:
            raise TooManyExecutions(
                f"Executions hold {held:,} bytes of what they were started with, {self._bytes[owner]:,} of them yours. "
                "Try again shortly, or start another engine.",
                retry_after_seconds=RETRY_SECONDS,
            )

    def _hold(self, owner: str, size: int) -> None:
        self._bytes[owner] += size
        if self._bytes[owner] <= 0:
            del self._bytes[owner]

    async def enter(self, owner: str) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(owner, deque()).append(turn)
        self._waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given a place at the same moment
                self._next()
            raise

    def leave(self, owner: str, size: int = 0) -> None:
        """The place, and the bytes that it was entered with."""
        self._hold(owner, -size)
        self._next()

    def let_go(self, owner: str, size: int) -> None:
        """The bytes alone."""
        self._hold(owner, -size)

    def step_aside(self, owner: str) -> None:
        """Leaves the place to others, and counts among those who wait until `step_back`: for something that is no room."""
        self._aside[owner] += 1
        self._next()

    def step_back(self, owner: str) -> None:
        self._aside[owner] -= 1

    def _next(self) -> None:
        while self._queues:
            owner, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            self._waiting -= 1
            if queue:
                self._queues[owner] = queue  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    @property
    def free(self) -> int:
        return self._free

    def samples(self) -> Iterable[Sample]:
        """For the /metrics of this process."""
        yield Sample("workflow_free_places", "gauge", "Executions that this engine would take now.", max(0, self._free))
        waiting = self._waiting + self._aside.total()
        yield Sample("workflow_waiting_executions", "gauge", "Executions that wait for a place in this engine.", waiting)
        held = self._bytes.total()
        yield Sample("workflow_held_bytes", "gauge", "Bytes that executions of this engine were started with.", held)
