"""How a door's server ends while another takes its place: nobody new is taken, who has come is heard, and a connection that rests is closed
after its next answer, which says so. One that is closed just as a request comes fails, and its client cannot know whether it was taken.
"""

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import uvicorn

from bus.web.slow_clients import BoundedProtocol

HEAR_SECONDS: Final = 0.1
"""At least, after the last connection that is taken: what has come in a moment before is still to say what it wants."""
REST_SECONDS: Final = 1.0
"""At most, for connections that rest to be used once more: busy ones are, such as those of a proxy."""
LOOK_SECONDS: Final = 0.02


class LeavingServer(uvicorn.Server):
    """`before_stop` runs when no new connection is taken any more. Signals are main.py's business, not uvicorn's."""

    def __init__(self, config: uvicorn.Config, before_stop: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._before_stop = before_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        self._say_so()
        await asyncio.sleep(HEAR_SECONDS)
        self._before_stop()
        deadline = asyncio.get_running_loop().time() + REST_SECONDS - HEAR_SECONDS
        while self._say_so() and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
        await super().shutdown(sockets)

    def _say_so(self) -> bool:
        """To all connections, also those that were still being taken; whether one of them rests."""
        found = [each for each in self.server_state.connections if isinstance(each, BoundedProtocol)]
        for connection in found:
            connection.leave()
        return any(connection.rests for connection in found)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def stop_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self.should_exit = True
