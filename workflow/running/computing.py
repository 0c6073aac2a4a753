"""Where nodes are computed: in threads, shared by owners, so that one whose code does not end holds up nobody else."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

SLOW_SECONDS: Final = 0.5
"""What has been computed for so long gives its place to another, and goes on beside it: the cores are shared by the system then."""
MOST_SLOW: Final = 8
"""That go on beside the others."""


@dataclass(slots=True, eq=False)
class _Run:
    owner: str
    slow: bool = False


class Computing:
    """`threads`: nodes that are computed at once, as many as there are cores; no owner has more than that, slow ones with it.

    Owners take turns. Made by the thread that began V8, whose descendants alone may use it (`workflow.expressions.isolate.prepare`).
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads + MOST_SLOW, "node")
        self._most_of_one, self._free, self._free_slow = threads, threads, MOST_SLOW
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def run(self, owner: str, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """What the function gives, or raises, in a thread, once it is the owner's turn."""
        loop = asyncio.get_running_loop()
        await self._enter(owner)
        run = _Run(owner)
        timer = loop.call_later(SLOW_SECONDS, self._give_way, run)
        try:
            return await loop.run_in_executor(self._threads, lambda: function(*arguments, **named))
        finally:
            timer.cancel()
            self._leave(run)

    def close(self) -> None:
        """What is computed is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _enter(self, owner: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(_Run(owner))
            raise

    def _let_in(self) -> None:
        while self._free and (owner := self._next()) is not None:
            turns = self._waiting[owner]
            turn = turns.popleft()
            self._waiting.move_to_end(owner)
            if not turns:
                del self._waiting[owner]
            if not turn.done():  # else whoever waited has given up
                self._free -= 1
                self._running[owner] += 1
                turn.set_result(None)

    def _next(self) -> str | None:
        return next((owner for owner in self._waiting if self._running[owner] < self._most_of_one), None)

    def _give_way(self, run: _Run) -> None:
        if self._free_slow:
            run.slow = True
            self._free_slow -= 1
            self._free += 1
            self._let_in()

    def _leave(self, run: _Run) -> None:
        self._running -= Counter((run.owner,))
        if run.slow:
            self._free_slow += 1
        else:
            self._free += 1
        self._let_in()
