"""How many executions are in memory at once, and who is next: owners take turns, so that one who starts thousands delays no other for long."""

import asyncio
from collections import OrderedDict, deque

from bus.errors import TooManyExecutions


class RunningGate:
    """`running` at once; `waiting` more may wait where a caller asks with `enter_or_refuse`."""

    def __init__(self, running: int, waiting: int) -> None:
        self._free, self._most_waiting = running, waiting
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._waiting = 0

    async def enter_or_refuse(self, owner: str) -> None:
        """TooManyExecutions when as many wait as may wait."""
        if self._free <= 0 and self._waiting >= self._most_waiting:
            raise TooManyExecutions(
                f"{self._waiting:,} executions wait for room. Try again shortly, or start another engine.",
                retry_after_seconds=2,
            )
        await self.enter(owner)

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
                self.leave()
            raise

    def leave(self) -> None:
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
