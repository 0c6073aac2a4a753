"""Connections to one backend, kept open between requests where it keeps its word (http.py): a new one for each was 15 % of a sidecar's share.

Only one whose last answer came to its end is kept, so leaving an answer still ends its work at the backend.
"""

import asyncio
import select
import ssl
from collections import deque
from time import monotonic
from typing import Final

import httptools

from agent_sidecar.addresses import Address

IDLE_SECONDS: Final = 2.0
"""Ollama closes nothing that is idle, and a proxy before it rarely so soon: so nothing is written to what is just being closed."""
_READ_BYTES: Final = 64 * 1024
_MOST_HEAD_BYTES: Final = 128 * 1024


class BadAnswer(Exception):
    """What came is no HTTP."""


class _Reader(asyncio.StreamReader):
    """Counts, so that what came unasked shows."""

    came = 0

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # asyncio's own transports give bytes
        self.came += len(data)
        super().feed_data(data)


class Connection:
    """One, with HTTP's state of it: what has come of the answer to the last request. Raises OSError, and BadAnswer for what is no HTTP."""

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._read = 0
        self.idle_since = 0.0
        self._begin()

    def _begin(self) -> None:
        self._http = httptools.HttpResponseParser(self)
        self._begun_at = self._read
        self.status, self.headers = 0, dict[str, str]()
        """Of the answer; `status` is 0 until its head is here."""
        self.parts: deque[bytes] = deque()
        """Of its body, which nobody took yet."""
        self.answered = self._stays = self._behind = False
        """`answered`: whether it came to its end."""

    async def send(self, request: bytes) -> None:
        self._writer.write(request)
        await self._writer.drain()

    async def receive(self) -> bool:
        """Reads some more of the answer; False at the end of the connection."""
        data = await self._reader.read(_READ_BYTES)
        self._read += len(data)
        if not self.status and self._read - self._begun_at > _MOST_HEAD_BYTES:
            raise BadAnswer("its head has no end")
        if data:
            self._parse(data)
        return bool(data)

    def _parse(self, data: bytes) -> None:
        try:
            self._http.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.answered:
                upgrade = isinstance(error, httptools.HttpParserUpgrade)
                raise BadAnswer("it went over to another protocol" if upgrade else str(error)) from error
            self._behind = True  # no HTTP, and no reason to lose the answer before it

    def on_message_begin(self) -> None:
        """httptools' callbacks, from here on."""
        self._behind = self.answered

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:  # what comes behind a body says nothing that anybody reads
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.answered:
            return
        status = self._http.get_status_code()
        if status < 200:  # said in between: the answer is still to come
            self.headers.clear()
        else:
            self.status, self._stays = status, self._http.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        if not self.answered:
            self.parts.append(body)

    def on_message_complete(self) -> None:
        self.answered = self.status != 0

    def renew(self) -> bool:
        """For the next request, where this one has been answered and nothing came behind the answer."""
        if not (self.answered and self._stays) or self._behind:
            return False
        self._begin()
        self.idle_since = monotonic()
        return True

    def is_fresh(self, now: float) -> bool:
        """Whether it may be written to: not old, and nothing came meanwhile, not even its end. The socket itself is asked: the loop may not have looked yet."""
        if now - self.idle_since > IDLE_SECONDS or self._writer.is_closing() or self._reader.at_eof():
            return False
        poll = select.poll()
        poll.register(self._writer.get_extra_info("socket").fileno(), select.POLLIN)
        return self._reader.came == self._read and not poll.poll(0)

    def close(self) -> None:
        self._writer.close()


class Connections:
    """Those to one address that nobody uses now, the newest last."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        self._idle: deque[Connection] = deque()
        self._closed = False

    def idle(self) -> Connection | None:
        """One that may be written to. The others are closed as they grow old."""
        now = monotonic()
        while self._idle and not self._idle[0].is_fresh(now):
            self._idle.popleft().close()
        while self._idle:
            found = self._idle.pop()
            if found.is_fresh(now):
                return found
            found.close()
        return None

    async def open(self) -> Connection:
        """OSError, of which a name with several addresses has one text for all; TimeoutError is the caller's."""
        loop = asyncio.get_running_loop()
        reader = _Reader(loop=loop)
        transport, protocol = await loop.create_connection(
            lambda: asyncio.StreamReaderProtocol(reader, loop=loop), self._address.host, self._address.port, ssl=self._tls
        )
        return Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    def give_back(self, connection: Connection) -> None:
        """For the next request, or closed where it cannot serve another."""
        if not self._closed and connection.renew():
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Those that are in use, too, when they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
