"""A stdio server that is kept running: its process, watched over by a warden, and one session with it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bus.errors import DeadlineExceeded, HiveError, McpServerFailed, OutcomeUnknown
from bus.together import end
from workflow.credentials.http_auth import cleared
from workflow.mcp import warden
from workflow.mcp.pipes import piped
from workflow.mcp.registry import Registered
from workflow.outside.mcp_client import KEY_META, TOOLS_CHANGED, all_tools, innermost, loaded, plain, words

if TYPE_CHECKING:
    from mcp import Client

START_SECONDS: Final = 60.0
"""For a server to begin: one that is fetched first takes its time."""
_TAIL_BYTES: Final = 2048
_LAST_WORDS_SECONDS: Final = 1.0
Answer = TypeVar("Answer")


class Session:
    """`changed` is set when the server says that its tools are others, `ended` when its process is gone."""

    def __init__(self, client: "Client", server: Registered, changed: asyncio.Event, errors: "_Errors") -> None:
        self._client, self._server, self.changed, self._errors = client, server, changed, errors
        self._open = 0

    @property
    def busy(self) -> bool:
        """With a call: many a server answers nothing else meanwhile."""
        return self._open > 0

    @property
    def ended(self) -> asyncio.Event:
        return self._errors.ended

    def about(self) -> tuple[str | None, str | None]:
        """Name and version, in the server's own words."""
        info = self._client.server_info
        return (info.name, info.version) if info is not None else (None, None)

    async def tools(self, timeout_seconds: float) -> list[dict[str, Any]]:
        return await self._within(all_tools(self._client), timeout_seconds)

    async def call(self, tool: str, arguments: Mapping[str, Any], key: str, timeout_seconds: float) -> dict[str, Any]:
        """McpServerFailed where it says no; OutcomeUnknown where it ends, or the time does, before it has said anything."""
        meta: Any = {KEY_META: key}
        calling = self._client.call_tool(tool, dict(arguments), meta=meta, read_timeout_seconds=timeout_seconds)
        self._open += 1
        try:
            answer = plain(await self._within(calling, timeout_seconds))
        except DeadlineExceeded as error:
            raise OutcomeUnknown(f"{error.message} Whether the call happened is not known.") from None
        except McpServerFailed as error:
            if not self.ended.is_set():
                raise
            raise OutcomeUnknown(f"{error.message} Whether the call happened is not known.") from None
        finally:
            self._open -= 1
        found: dict[str, Any] = cleared(answer, self._server.secrets)
        return found

    async def _within(self, asked: Awaitable[Answer], timeout_seconds: float) -> Answer:
        """What the process does not live to answer ends with it, and not at the deadline."""
        asking, ending = asyncio.ensure_future(asked), asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait({asking, ending}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if asking.done() and asking.exception() is None:
                return asking.result()
            if asking.done() and not self.ended.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LAST_WORDS_SECONDS):
                        await self.ended.wait()  # the reason may be that it is ending
            if self.ended.is_set():
                raise McpServerFailed(f"The MCP server {self._server.name!r} ended{self._errors.told()}.")
            if asking.done():
                raise McpServerFailed(_said(self._server, words(asking.exception() or HiveError())))
            raise DeadlineExceeded(f"The MCP server {self._server.name!r} did not answer within {timeout_seconds:g} s.")
        finally:
            await end((asking, ending))


def _said(server: Registered, reason: str) -> str:
    return str(cleared(f"The MCP server {server.name!r} does not answer as it should: {reason}", server.hidden))


@asynccontextmanager
async def running(server: Registered, folder: Path, max_bytes: int) -> AsyncIterator[Session]:
    """A process of its own for as long as this lasts, in a folder of its own. `max_bytes`: of an answer. McpServerFailed where it does not
    begin."""
    await loaded()
    from mcp import Client

    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    changed, started = asyncio.Event(), False

    async def heard(message: Any) -> None:
        if getattr(message, "method", None) == TOOLS_CHANGED:
            changed.set()

    async with _errors(server) as errors:
        command = (sys.executable, "-I", warden.__file__, str(os.getpid()), "0", server.command, *server.args)
        pipes = piped(command, {"HOME": str(folder), **server.env}, folder, errors.file, max_bytes)
        # by handshake: so the server may tell of changes whenever it likes
        client = Client(pipes, mode="legacy", message_handler=heard, read_timeout_seconds=3600)
        try:
            async with asyncio.timeout(START_SECONDS) as limit, client:
                errors.file.close()  # the process has it; its end is seen when that is gone
                limit.reschedule(None)
                started = True
                yield Session(client, server, changed, errors)
        except HiveError:
            raise
        except Exception as error:
            if isinstance(inner := innermost(error), HiveError):
                raise inner from None
            if started:
                raise McpServerFailed(_said(server, words(error))) from None
            with suppress(OSError):
                errors.file.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    await errors.ended.wait()
            raise McpServerFailed(
                f"The MCP server {server.name!r} did not begin{errors.told() or f': {words(error)}'}."
            ) from None


class _Errors(asyncio.Protocol):
    """What the server writes to its error output: the last of it is kept. `ended`: nobody holds it any more."""

    def __init__(self, server: Registered, file: Any) -> None:
        self._server, self.file, self._tail = server, file, b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-_TAIL_BYTES:]

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def told(self) -> str:
        """Its last line, without secrets."""
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return f" ({cleared(lines[-1].strip()[:300], self._server.hidden)})" if lines else ""


@asynccontextmanager
async def _errors(server: Registered) -> AsyncIterator[_Errors]:
    reading, writing = os.pipe()
    with open(writing, "w") as file:  # noqa: PTH123, ASYNC230 - a pipe
        transport, errors = await asyncio.get_running_loop().connect_read_pipe(
            lambda: _Errors(server, file),
            open(reading, "rb", buffering=0),  # noqa: PTH123, SIM115, ASYNC230
        )
        try:
            yield errors
        finally:
            transport.close()
