"""Clients that send a request byte by byte, or never end it, hold a connection for ever at uvicorn: here they have a time and a size.

uvicorn waits for a request's head without bound, and keeps whatever comes of it.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bus import telemetry

logger = telemetry.log(__name__)

HEAD_SECONDS: Final = 15.0
BODY_SECONDS: Final = 120.0
"""For a whole body: 4 MiB of a client with a third of a megabit a second."""
MOST_HEAD_BYTES: Final = 64 * 1024
EVERY_SECONDS: Final = 1.0


class BoundedProtocol(HttpToolsProtocol):
    """For uvicorn's `http`. `since` is when what is waited for began: a head, or the rest of a body; None between requests."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.since: float | None = None
        self.in_head = True
        self.head_bytes = 0
        self.head_alone = True
        """Whether what came last has nothing of the request before, whose body would be counted too."""
        self.leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        self.head_alone = True
        super().data_received(data)
        if self.head_alone and self.in_head and self.since is not None:
            self.head_bytes += len(data)
            if self.head_bytes > MOST_HEAD_BYTES:
                self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head, self.head_bytes = True, 0
        if self.since is None:
            self.since = self.loop.time()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.in_head, self.head_bytes, self.head_alone, self.since = False, 0, False, self.loop.time()
        if self.leaving and self.cycle is not None:  # there is none for what becomes a WebSocket
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.since, self.head_alone = None, False

    @property
    def rests(self) -> bool:
        """Whether nothing is asked here, or nothing yet."""
        return not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete)

    def leave(self) -> None:
        """The answer that is given now, or the next one, says that it is the last."""
        self.leaving = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def late(self, now: float, head_seconds: float, body_seconds: float) -> bool:
        return self.since is not None and now - self.since > (head_seconds if self.in_head else body_seconds)

    def refuse(self, status: HTTPStatus) -> None:
        """Answers where nothing was answered yet, and closes."""
        self.since = None
        if self.transport.is_closing():
            return
        logger.warning(
            "request_cut_off", address=self.client[0] if self.client else "", status=int(status), in_head=self.in_head
        )
        if self.in_head or not self.cycle.response_started:
            text = f"{status.value} {status.phrase}\n"
            self.transport.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
                f"content-length: {len(text)}\r\nconnection: close\r\n\r\n{text}".encode()
            )
        self.transport.close()


def cut_off(connections: Iterable[Any], now: float, head_seconds: float, body_seconds: float) -> None:
    """Those that are late."""
    for connection in list(connections):
        if isinstance(connection, BoundedProtocol) and connection.late(now, head_seconds, body_seconds):
            connection.refuse(HTTPStatus.REQUEST_TIMEOUT)


async def cut_off_slow(
    connections: Iterable[Any], head_seconds: float = HEAD_SECONDS, body_seconds: float = BODY_SECONDS
) -> None:
    """For ever. `connections` are those of uvicorn's server, as they come and go."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        cut_off(connections, loop.time(), head_seconds, body_seconds)
