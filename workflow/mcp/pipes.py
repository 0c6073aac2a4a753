"""A stdio server's process and its pipes: one message a line, and none larger than there is room for.

The official package's own transport keeps a line without bound, and copies all of it for each piece that comes. Lines that are no messages
(many a server greets on its output) are passed over, and nothing of them is logged: they may hold secrets.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from bus.errors import McpServerFailed
from bus.together import end

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams

LEAVE_SECONDS: Final = 2.0
"""For a server to end by itself once its input is closed."""
END_SECONDS: Final = 7.0
"""Longer than its warden takes to end all that it started."""
_PIECE: Final = 65_536
_ENDS: Final = 256
"""Bytes of each end of a line that is too long: the number of the request that it answers is in one of the two."""
_FIRST: Final = re.compile(rb'^\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d+)\s*,')
_LAST: Final = re.compile(
    rb'\}\s*,\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$'
)


@dataclass(frozen=True, slots=True)
class TooLong:
    """What is left of a line that there was no room for."""

    head: bytes
    tail: bytes

    @property
    def answers(self) -> int | None:
        """The request that it answers, where either end says so."""
        found = _FIRST.search(self.head) or _LAST.search(self.tail)
        return int(found[1]) if found is not None else None


class Lines:
    """`max_bytes`: of a line."""

    def __init__(self, stream: asyncio.StreamReader, max_bytes: int) -> None:
        self._stream, self._max_bytes = stream, max_bytes
        self._buffer, self._at = b"", 0

    async def read(self) -> bytes | TooLong | None:
        """The next one; None at the end. What stands there without an end is no line."""
        pieces: list[bytes] = []
        size, head, tail = 0, b"", b""
        while True:
            if self._at == len(self._buffer):
                self._buffer, self._at = await self._stream.read(_PIECE), 0
                if not self._buffer:
                    return None
            stop = self._buffer.find(b"\n", self._at)
            piece = self._buffer[self._at : stop if stop >= 0 else None]
            self._at = stop + 1 if stop >= 0 else len(self._buffer)
            size += len(piece)
            if size <= self._max_bytes:
                pieces.append(piece)
            else:
                head = head or (b"".join(pieces) + piece)[:_ENDS]
                tail = (tail + piece)[-_ENDS:]
                pieces.clear()
            if stop >= 0:
                return b"".join(pieces) if size <= self._max_bytes else TooLong(head, tail)


@asynccontextmanager
async def piped(
    command: Sequence[str], env: Mapping[str, str], folder: Path, errors: Any, max_bytes: int
) -> "AsyncIterator[TransportStreams]":
    """The process for as long as this lasts, and the streams that a session of the official package takes. OSError."""
    from mcp.client.stdio import get_default_environment
    from mcp.shared.message import SessionMessage

    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        cwd=folder,
        env=get_default_environment() | dict(env),
        start_new_session=True,
    )
    into, heard = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    said, out = anyio.create_memory_object_stream[SessionMessage](0)
    pipes = [asyncio.create_task(_hear(process, into, max_bytes)), asyncio.create_task(_speak(process, out, into))]
    try:
        yield heard, said
    finally:
        heard.close()  # what still comes is drained: a server that cannot write does not end
        said.close()
        with anyio.CancelScope(shield=True):
            await _stop(process)
            await end(pipes)
        into.close()
        out.close()


async def _hear(process: asyncio.subprocess.Process, into: "MemoryObjectSendStream[Any]", max_bytes: int) -> None:
    assert process.stdout is not None  # noqa: S101
    lines = Lines(process.stdout, max_bytes)
    try:
        while (line := await lines.read()) is not None:
            if (message := await _message(line, max_bytes)) is not None:
                await into.send(message)
    except McpServerFailed as error:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await into.send(error)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    into.close()
    while await process.stdout.read(_PIECE):
        pass


async def _message(line: bytes | TooLong, max_bytes: int) -> Any:
    """None for what is none. One that is too large becomes the error of the request that it answers."""
    from mcp.shared.message import SessionMessage
    from mcp_types import ErrorData, JSONRPCError, jsonrpc_message_adapter

    if isinstance(line, TooLong):
        why = f"its answer has more than {max_bytes:,} bytes (HIVE_WORKFLOW_MAX_ANSWER_BYTES)"
        if line.answers is None:
            raise McpServerFailed(
                f"The MCP server wrote a line that is no answer, or that does not say what it answers: {why}."
            )
        return SessionMessage(JSONRPCError(jsonrpc="2.0", id=line.answers, error=ErrorData(code=-32000, message=why)))
    with suppress(ValueError):
        if len(line) < _PIECE:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        return SessionMessage(await asyncio.to_thread(jsonrpc_message_adapter.validate_json, line, by_name=False))
    return None


async def _speak(
    process: asyncio.subprocess.Process, out: "MemoryObjectReceiveStream[Any]", into: "MemoryObjectSendStream[Any]"
) -> None:
    assert process.stdin is not None  # noqa: S101
    try:
        async for said in out:
            line = said.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()
    except (ConnectionError, RuntimeError):
        into.close()  # the session sees its end, and not a request that hangs


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Its input is closed, and it ends; else its warden ends it with all that it started."""
    assert process.stdin is not None  # noqa: S101
    process.stdin.close()
    try:
        if not await _ended(process, LEAVE_SECONDS):
            process.terminate()
            await _ended(process, END_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> bool:
    with suppress(TimeoutError, ProcessLookupError):
        async with asyncio.timeout(seconds):
            await process.wait()
    return process.returncode is not None
