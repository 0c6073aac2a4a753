"""A client of OpenAI's protocol with nothing of a library, so that what is measured is whom it asks: its own work is some microseconds a token."""

import asyncio
import json
from dataclasses import dataclass
from time import perf_counter
from typing import Final, cast

from tests.bench.load import OneTask
from tests.bench.stub_backend import TOKEN

ANSWER_SECONDS: Final = 120
_TOKEN: Final = TOKEN.encode()
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where it asks, and for which model."""

    port: int
    model: str
    key: str = "sk-none"

    def request(self, *, tokens: int, milliseconds: int, stream: bool) -> bytes:
        said = {"role": "user", "content": f"{tokens} {milliseconds}"}
        body = json.dumps({"model": self.model, "messages": [said], "stream": stream}).encode()
        lines = (
            "POST /v1/chat/completions HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.key}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        )
        return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


class Exchange(asyncio.Protocol):
    """One connection: an answer at a time."""

    def __init__(self) -> None:
        self._received, self._length = bytearray(), 0
        self._done: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.first_at: float | None = None
        """When the first token came, by perf_counter."""
        self.tokens = 0

    async def ask(self, request: bytes) -> bytes:
        """The whole answer, head and all."""
        assert self._transport is not None
        self._received, self._length, self.first_at, self.tokens = bytearray(), 0, None, 0
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._done
        return bytes(self._received)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._received += data
        self.tokens += data.count(_TOKEN)  # of one that comes in two pieces `check` knows
        if self.first_at is None and self.tokens:
            self.first_at = perf_counter()
        if self._is_whole() and self._done is not None and not self._done.done():
            self._done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError(f"closed after {bytes(self._received[-300:])!r}: {error}"))

    def _is_whole(self) -> bool:
        """By Content-Length, else by the last chunk."""
        if not self._length:
            head, found, _ = self._received.partition(b"\r\n\r\n")
            said = head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0]
            self._length = (len(head) + 4 + int(said) if said else -1) if found else 0
        return (
            len(self._received) >= self._length
            if self._length > 0
            else self._length < 0 and self._received.endswith(_LAST_CHUNK)
        )


async def connect(port: int) -> Exchange:
    _, exchange = await asyncio.get_running_loop().create_connection(Exchange, "127.0.0.1", port)
    return exchange


def asking(door: Door, *, tokens: int, stream: bool) -> OneTask:
    """A whole answer is measured to its end, a streamed one to its first token. Connections are kept."""
    request = door.request(tokens=tokens, milliseconds=0, stream=stream)
    idle: list[Exchange] = []

    async def one(_number: int) -> float | None:
        exchange = idle.pop() if idle else await connect(door.port)
        began = perf_counter()
        check(await asyncio.wait_for(exchange.ask(request), ANSWER_SECONDS), tokens)
        idle.append(exchange)
        return exchange.first_at - began if stream and exchange.first_at is not None else None

    return one


def check(answer: bytes, tokens: int) -> None:
    """Whatever a gateway made of it: all tokens are there, and once."""
    if not answer.startswith(b"HTTP/1.1 200") or answer.count(_TOKEN) != tokens:
        raise AssertionError(f"{answer.count(_TOKEN)} of {tokens} tokens in {answer[:2000]!r}")
