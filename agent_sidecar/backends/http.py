"""Just enough HTTP/1.1 to talk to a backend: httptools reads the protocol, asyncio moves the bytes.

A sidecar shares its host's memory with models: httpx and its pool cost 8 MB resident, this costs 0.4 MB, and a streamed
token costs less CPU. Every failure leaves as an error of bus.errors.
"""

import asyncio
import errno
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from agent_sidecar.addresses import Address
from agent_sidecar.backends.connections import BadAnswer, Connection, Connections
from agent_sidecar.backends.refusal import refusal
from bus.errors import BackendError, BackendUnreachable, HiveError, InvalidRequest

CONNECT_SECONDS = 3.0
MAX_BODY_BYTES = 16 * 1024 * 1024
HIVE_HEADER = "x-hive-version"
BREAKS = (OSError, EOFError, BadAnswer)
END_SECONDS = 0.1
"""Waited for the end of a body of which all that matters came: some backends send it on its own. Without it the connection is not kept."""


class Response:
    """One answer: its head, and its body as it comes."""

    def __init__(self, connection: Connection, url: str) -> None:
        self._connection, self._url = connection, url
        self._lines: deque[bytearray] = deque()
        self._rest = bytearray()

    @property
    def status(self) -> int:
        return self._connection.status

    @property
    def headers(self) -> Mapping[str, str]:
        """By their names in small letters."""
        return self._connection.headers

    async def head(self) -> None:
        while not self.status:
            await self._more()

    async def _more(self) -> bool:
        """Whether more of the answer came; False where its connection ended, as it may."""
        try:
            if await self._connection.receive():
                return True
            if not self._may_end:
                raise EOFError(f"it was closed {'in the middle of' if self.status else 'without'} an answer")
        except BREAKS as error:
            raise broken(self._url, error) from error
        return False

    @property
    def _may_end(self) -> bool:
        """Whether the end of the connection is the end of the body, as it is where no length was given."""
        return self.status != 0 and not self.headers.keys() & {"content-length", "transfer-encoding"}

    async def part(self) -> bytes:
        """Some more of the body; empty at its end."""
        parts = self._connection.parts
        while not parts:
            if self._connection.answered or not await self._more():
                return b""
        return parts.popleft()

    async def read(self) -> bytes:
        """The rest of the body."""
        found = bytearray()
        while part := await self.part():
            found += part
            self._bound(found)
        return bytes(found)

    async def line(self) -> bytes | None:
        """The next line of the body without its end; None after the last."""
        while not self._lines:
            part = await self.part()
            if not part:
                rest, self._rest = bytes(self._rest), bytearray()
                return rest or None
            ended, *others = part.split(b"\n")
            self._rest += ended
            for other in others:
                self._lines.append(self._rest)
                self._rest = bytearray(other)
            self._bound(self._rest)
        return bytes(self._lines.popleft())

    async def end(self) -> None:
        """The rest of the body is let go, should it come at once."""
        with suppress(TimeoutError, HiveError):
            async with asyncio.timeout(END_SECONDS):
                while not self._connection.answered and await self.part():
                    continue

    def _bound(self, held: bytearray) -> None:
        if len(held) > MAX_BODY_BYTES:
            raise BackendError(f"{self._url} sent more than {MAX_BODY_BYTES} bytes at once. Check what listens there.")


class HttpClient:
    """One address. A request has a connection to itself until it is answered, so that leaving it ends its work at the backend."""

    def __init__(self, address: Address, *, keeps: bool = False) -> None:
        """`keeps`: a connection serves the next request, too. Not for every backend: with llama.cpp's embedded server a kept connection was once
        closed without an answer.
        """
        self.address = address
        self._connections, self._keeps = Connections(address), keeps
        lines = [f"Host: {address.authority}", "User-Agent: hive-sidecar"]
        if not keeps:
            lines.append("Connection: close")
        if address.key:
            lines.append(f"Authorization: Bearer {address.key}")
        self._headers = "".join(f"{line}\r\n" for line in lines)

    async def request(self, method: str, path: str, body: bytes = b"", *, timeout: float = 5.0) -> bytes:
        """The whole body of a good answer. `timeout` in seconds spans everything."""
        try:
            async with asyncio.timeout(timeout), self.stream(method, path, body) as response:
                return await response.read()
        except TimeoutError:
            raise BackendUnreachable(
                f"{self.address.url} did not answer {path} within {timeout:g} s. The backend hangs, or its host is overloaded."
            ) from None

    @asynccontextmanager
    async def stream(self, method: str, path: str, body: bytes = b"") -> AsyncIterator[Response]:
        """A good answer, its body still to come; an error status becomes its error. Leaving it by an exception closes the connection."""
        connection = await self._sent(self._request(method, path, body))
        try:
            response = Response(connection, self.address.url)
            await response.head()
            await self._check(response)
            yield response
            await response.end()
        except BaseException:
            connection.close()
            raise
        if self._keeps:
            self._connections.give_back(connection)
        else:
            connection.close()

    async def _check(self, response: Response) -> None:
        url = self.address.url
        if HIVE_HEADER in response.headers:
            raise InvalidRequest(
                f"{url} is Hive itself, so work sent there would come back for ever. Name the address of an Ollama instead."
            )
        if not 200 <= response.status < 300:
            raise refusal(response.status, await response.read(), url)

    async def _sent(self, request: bytes) -> Connection:
        """By a connection that is open, else by a new one. What one that was open does not take is sent by another; what it took is not sent
        again, for the backend may work on it.
        """
        while (kept := self._connections.idle()) is not None:
            with suppress(OSError):
                return await _send(kept, request)
        connection = await self._connect()
        try:
            return await _send(connection, request)
        except BREAKS as error:
            raise broken(self.address.url, error) from error

    async def _connect(self) -> Connection:
        address = self.address
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._connections.open()
        except OSError as error:
            raise BackendUnreachable(f"No connection to {address.url}: {why(error, address.host)}.") from error

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        return f"{method} {self.address.path}{path} HTTP/1.1\r\n{self._headers}{length}\r\n".encode() + body

    def close(self) -> None:
        """What is open for the next request. The requests that run end by themselves."""
        self._connections.close()


async def _send(connection: Connection, request: bytes) -> Connection:
    try:
        await connection.send(request)
    except BaseException:
        connection.close()
        raise
    return connection


def why(error: OSError, host: str) -> str:
    """Why there is no connection, and what to do about it."""
    match error:
        case TimeoutError():
            return f"it took none within {CONNECT_SECONDS:g} s; the host may be off, or a firewall in between drops it"
        case OSError() if _refused(error):
            return (
                "nothing listens there; start the backend, and if it is an Ollama on another host, start it with "
                "OLLAMA_HOST=0.0.0.0 so that it listens beyond its own loopback"
            )
        case socket.gaierror():
            return f"the name {host} is not known; check its spelling, or give the IP address"
        case ssl.SSLError():
            return f"TLS failed ({error.reason}); check the certificate, or write http://"
    return f"{error.strerror or error}; check the address and the network".lower()


def _refused(error: OSError) -> bool:
    """A name with several addresses fails with the errors of all of them in one text."""
    return isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(error)


def broken(url: str, error: Exception) -> BackendUnreachable:
    """For a connection that broke while it was in use (BREAKS)."""
    return BackendUnreachable(f"The connection to {url} broke: {error}. See the backend's log for why.")
