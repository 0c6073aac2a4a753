"""A TCP proxy whose line can be cut (both ends are reset), frozen (what is sent vanishes without a word) and healed.

Frozen bytes wait in the kernel's buffers and go on when the line heals, as TCP's own retransmission would bring them.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_READ_BYTES = 64 * 1024
DRAIN_SECONDS = 0.5


class Line(StrEnum):
    WHOLE = "whole"
    CUT = "cut"
    FROZEN = "frozen"


class Proxy:
    """`reach` opens the far end. `port` is known once it has started, and stays.

    `keepalive_seconds`: the far end gives up a frozen line after so long, as its kernel would if it were a network.
    """

    def __init__(self, reach: Callable[[], Awaitable[Streams]], keepalive_seconds: float | None = None) -> None:
        self._reach, self._keepalive_seconds = reach, keepalive_seconds
        self._line = Line.WHOLE
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._near: set[asyncio.StreamWriter] = set()
        self._far: set[asyncio.StreamWriter] = set()
        self._giving_up: asyncio.TimerHandle | None = None
        self.port = 0
        self.bytes_back = 0
        """That came from the far end."""

    @classmethod
    def to_port(cls, port: int) -> "Proxy":
        return cls(lambda: asyncio.open_connection("127.0.0.1", port))

    @classmethod
    def to_socket(cls, path: str, *, keepalive_seconds: float | None = None) -> "Proxy":
        return cls(lambda: asyncio.open_unix_connection(path), keepalive_seconds)

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._links)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.sleep(0)  # for connections that had been taken and not handed over
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    def cut(self) -> None:
        """Every connection is reset, and a new one as soon as it comes."""
        self._line = Line.CUT
        self._thawed.set()
        _reset_all(self._near | self._far)

    def freeze(self) -> None:
        self._line = Line.FROZEN
        self._thawed.clear()
        if self._keepalive_seconds is not None:
            self._giving_up = asyncio.get_running_loop().call_later(self._keepalive_seconds, _reset_all, self._far)

    def heal(self) -> None:
        self._line = Line.WHOLE
        if self._giving_up is not None:
            self._giving_up.cancel()
        self._thawed.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Not a coroutine: asyncio's own task for one complains when it is cancelled."""
        link = asyncio.create_task(self._serve(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._near.add(writer)
        try:
            await self._link(reader, writer)
        finally:
            self._near.discard(writer)
            await _gone(writer)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._thawed.wait()
        if self._line is Line.CUT:
            return
        try:
            far_reader, far_writer = await self._reach()
        except OSError:
            return
        self._far.add(far_writer)
        pumps = {
            asyncio.create_task(self._pump(reader, far_writer)),
            asyncio.create_task(self._pump(far_reader, writer, back=True)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await self._thawed.wait()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._far.discard(far_writer)
            await asyncio.gather(_drained(far_writer), _drained(writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool = False) -> None:
        """Until either end is gone. An end that goes while the line is frozen is news only once that thaws."""
        with suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                self.bytes_back += len(data) if back else 0
                await self._thawed.wait()
                writer.write(data)
                await writer.drain()


async def _drained(writer: asyncio.StreamWriter) -> None:
    """Closed, with a moment for what was written to go out."""
    writer.close()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), DRAIN_SECONDS)
    await _gone(writer)


async def _gone(writer: asyncio.StreamWriter) -> None:
    _reset(writer)
    with suppress(OSError):
        await writer.wait_closed()


def _reset_all(writers: set[asyncio.StreamWriter]) -> None:
    for writer in list(writers):
        _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST: what was not sent is lost."""
    found = writer.get_extra_info("socket")
    if found is not None and not writer.transport.is_closing() and found.family != socket.AF_UNIX:
        with suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
