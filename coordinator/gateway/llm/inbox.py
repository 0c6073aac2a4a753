"""What comes of one task while its reader may be slow: chunks up to a bound, and whether some were let go for it."""

import asyncio
from collections import deque
from typing import Final

from bus.client import Received

MOST_BYTES: Final = 512 * 1024
"""Held for one reader. What is let go beyond it is read from the stream again when the reader has caught up."""


class Inbox:
    """`put` is called with each chunk as the bus reads it, `set` when the task's end is announced (waiting.py)."""

    def __init__(self) -> None:
        self._chunks: deque[Received] = deque()
        self._bytes = 0
        self._wake, self._came = asyncio.Event(), False
        self.lost = False
        self.announced = False

    def put(self, received: Received) -> None:
        if self.lost or (self._chunks and self._bytes + len(received.data) > MOST_BYTES):
            self.lost = True  # and all that follow: what comes behind a gap is of no use
        else:
            self._chunks.append(received)
            self._bytes += len(received.data)
        self._stir()

    def set(self) -> None:
        self.announced = True
        self._stir()

    def _stir(self) -> None:
        self._came = True
        self._wake.set()

    def take(self) -> Received | None:
        """The next chunk that is here."""
        if not self._chunks:
            return None
        received = self._chunks.popleft()
        self._bytes -= len(received.data)
        return received

    async def wait(self, seconds: float) -> bool:
        """Until something happens; False when nothing has for so long. By a bare timer: this is done for each token."""
        if not self._came:
            timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()
        self._wake.clear()
        came, self._came = self._came, False
        return came
