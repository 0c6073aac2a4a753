"""One question to an MCP server: which tools it has, or a call of one. By streamable HTTP or SSE, through the guard, with bounds on time and size.

It knows nothing of executions, so whatever else speaks to MCP servers can use it. The official package is loaded when it is first needed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bus import tracing
from bus.errors import DeadlineExceeded, HiveError, NodeFailed, OutcomeUnknown, RequestRefused
from bus.together import end, let_go
from workflow.outside.guard import Guard
from workflow.outside.reaching import Room, address_of
from workflow.running.fence import Fence

if TYPE_CHECKING:
    from mcp import Client

KEY_META: Final = "hive/idempotency-key"
"""In `_meta` of a call: the same each time that the call is repeated. Servers may look at it; MCP itself knows no such thing."""
TOOLS_CHANGED: Final = "notifications/tools/list_changed"
CHANGE_SECONDS: Final = 0.5
"""Between a word that tools are others and the question which: some servers say so for each of many."""
MAX_WATCHED_BYTES: Final = 8 * 1024 * 1024
"""Of all that a session is told that is held: many are, of servers that anybody may have registered."""
LEAVE_SECONDS: Final = 5.0
"""For a session to be closed, once nobody waits for it."""
_MOST_TOOLS: Final = 1000
_NO_WORDS: Final = ("Server returned an error response", "Unexpected content type", "server answered a request with 202")
"""How the package begins an error that it makes itself, of an answer without any in it: a proxy's 504 while the server still works."""
Answer = TypeVar("Answer")
Listed = Callable[[list[dict[str, Any]]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """`sse`: the older transport; else streamable HTTP."""

    url: str
    sse: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Held:
    """A session that is held beyond a question: for how many seconds, and what is set when the server says that its tools are others."""

    seconds: float
    changed: asyncio.Event


class McpClient:
    """A session for each question: servers forget sessions, and an engine may die between two. `max_bytes`: of all that it is answered.

    `fence`: passed before a tool is called, once the session stands.
    """

    def __init__(self, guard: Guard, max_bytes: int, fence: Fence | None = None) -> None:
        self._guard, self._max_bytes, self._fence = guard, max_bytes, fence or Fence()

    async def tools(self, server: McpServer, timeout_seconds: float) -> list[dict[str, Any]]:
        """As MCP has them: `name`, `description`, `inputSchema`, `annotations`. RequestRefused, DeadlineExceeded, NodeFailed."""

        return await self._within(server, timeout_seconds, all_tools)

    async def watch(self, server: McpServer, timeout_seconds: float, hold_seconds: float, listed: Listed) -> None:
        """Tells `listed` its tools, and for `hold_seconds` again whenever the server says that they are others: in one session.

        `timeout_seconds`: for each question. RequestRefused, DeadlineExceeded, NodeFailed.
        """
        changed = asyncio.Event()

        async def ask(client: "Client") -> None:
            until = asyncio.get_running_loop().time() + hold_seconds
            await listed(await all_tools(client))
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until), _told(client, changed):
                    while await changed.wait():
                        await asyncio.sleep(CHANGE_SECONDS)
                        changed.clear()
                        await listed(await all_tools(client))

        await self._within(server, timeout_seconds, ask, _Held(hold_seconds, changed))

    async def call(
        self, server: McpServer, tool: str, arguments: Mapping[str, Any], key: str, timeout_seconds: float
    ) -> dict[str, Any]:
        """As MCP has it: `content`, `structuredContent`, `isError`. RequestRefused, DeadlineExceeded, NodeFailed; OutcomeUnknown where it was
        asked, and its connection or the time ended before it had said anything."""
        open_ended = False

        async def ask(client: "Client") -> dict[str, Any]:
            nonlocal open_ended
            meta: Any = {KEY_META: key} | tracing.carried()
            await self._fence.passed()
            open_ended = True
            try:
                return plain(await client.call_tool(tool, dict(arguments), meta=meta))
            except Exception as error:
                open_ended = not is_answer(error)
                raise

        try:
            return await self._within(server, timeout_seconds, ask)
        except RequestRefused:
            raise
        except (DeadlineExceeded, NodeFailed) as error:
            if not open_ended:
                raise
            raise OutcomeUnknown(f"{error.message} Whether the call happened is not known.") from None

    async def _within(
        self,
        server: McpServer,
        timeout_seconds: float,
        ask: Callable[["Client"], Awaitable[Answer]],
        held: "_Held | None" = None,
    ) -> Answer:
        """A refusal ends it at once: the package's own tasks would only log it."""
        refused: asyncio.Future[HiveError] = asyncio.get_running_loop().create_future()
        asking = asyncio.create_task(self._asked(server, timeout_seconds, ask, refused, held))
        waiting: set[asyncio.Future[Any]] = {asking, refused}
        try:
            async with asyncio.timeout(timeout_seconds + (held.seconds if held else 0.0)):
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if refused.done():
                    raise refused.result()
                return await asking
        except TimeoutError:
            raise DeadlineExceeded(f"The MCP server did not answer within {timeout_seconds:g} s.") from None
        except HiveError:
            raise
        except Exception as error:
            raise NodeFailed(f"The MCP server does not answer as it should: {words(error)}") from None
        finally:
            let_go((asking,))
            await asyncio.wait({asking}, timeout=LEAVE_SECONDS)
            if asking.done() and not asking.cancelled():
                asking.exception()  # it is told already
            refused.cancel()

    async def _asked(
        self,
        server: McpServer,
        timeout_seconds: float,
        ask: Callable[["Client"], Awaitable[Answer]],
        refused: "asyncio.Future[HiveError]",
        held: "_Held | None",
    ) -> Answer:
        await loaded()
        from mcp import Client

        async def heard(message: Any) -> None:
            if held is not None and getattr(message, "method", None) == TOOLS_CHANGED:
                held.changed.set()

        transport = self._transport(server, timeout_seconds, refused, held)
        async with Client(transport, read_timeout_seconds=timeout_seconds, message_handler=heard) as client:
            return await ask(client)

    def _transport(
        self, server: McpServer, timeout_seconds: float, refused: "asyncio.Future[HiveError]", held: "_Held | None"
    ) -> AbstractAsyncContextManager[Any]:
        import httpx2
        from mcp.client.sse import sse_client
        from mcp.client.streamable_http import streamable_http_client

        from workflow.outside.mcp_http import bounded

        limit = min(self._max_bytes, MAX_WATCHED_BYTES) if held else self._max_bytes
        room, timeout_seconds = Room(limit), timeout_seconds + (held.seconds if held else 0.0)

        def refuse(error: HiveError) -> None:
            if not refused.done():
                refused.set_result(error)

        async def resolve(host: str, port: int) -> str:
            return await address_of(self._guard, host, port)

        def client(
            headers: dict[str, str] | None = None, timeout: httpx2.Timeout | None = None, auth: httpx2.Auth | None = None
        ) -> httpx2.AsyncClient:
            # trust_env off: a proxy of the environment would be the engine's, not the workflow's
            transport = bounded(resolve, room.take, refuse)
            found = {"accept-encoding": "identity", **(headers or {}), **server.headers}
            return httpx2.AsyncClient(transport=transport, headers=found, timeout=timeout_seconds, trust_env=False, auth=auth)

        if server.sse:
            return sse_client(server.url, timeout=timeout_seconds, httpx_client_factory=client)

        @asynccontextmanager
        async def streamable() -> AsyncIterator[Any]:
            async with (
                client() as http,
                streamable_http_client(server.url, http_client=http, max_sse_event_size=limit) as streams,
            ):
                yield streams

        return streamable()


@asynccontextmanager
async def _told(client: "Client", changed: asyncio.Event) -> AsyncIterator[None]:
    """Sets `changed` when the server says so. By the newest protocol it is asked to; by older ones it says so unasked, where it does."""
    from mcp import MCPError
    from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost

    async def hear(subscription: Any) -> None:
        with suppress(SubscriptionLost):  # the next session asks anew
            async for _ in subscription:
                changed.set()

    async with AsyncExitStack() as stack:
        with suppress(ListenNotSupportedError, MCPError, SubscriptionLost, TimeoutError):
            hearing = asyncio.create_task(hear(await stack.enter_async_context(client.listen(tools_list_changed=True))))
            stack.push_async_callback(end, [hearing])
        yield


async def all_tools(client: "Client") -> list[dict[str, Any]]:
    """Page by page, up to a bound."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < _MOST_TOOLS:
        page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        found += [plain(tool) for tool in page.tools]
        cursor = page.next_cursor
        if not cursor:
            break
    return found[:_MOST_TOOLS]


def is_answer(error: Exception) -> bool:
    """Whether a call failed by what the server said, and not for want of it."""
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED, PARSE_ERROR, REQUEST_TIMEOUT

    if isinstance(error, MCPError):
        return error.code not in (CONNECTION_CLOSED, PARSE_ERROR, REQUEST_TIMEOUT) and not error.message.startswith(_NO_WORDS)
    return isinstance(error, RuntimeError)  # an answer that does not fit its schema


async def loaded() -> None:
    """The package of MCP: in a thread, since it takes seconds on a busy machine, and an engine that is silent for so long is buried."""
    await asyncio.to_thread(_load)


def _load() -> None:
    for name in ("mcp", "mcp.client.sse", "mcp.client.stdio", "mcp.client.streamable_http", "workflow.outside.mcp_http"):
        import_module(name)


def plain(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = message.model_dump(mode="json", by_alias=True, exclude_none=True)
    found.pop("_meta", None)
    found.pop("resultType", None)
    return found


def innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def words(error: BaseException) -> str:
    """Of what a group of tasks failed with, the first thing that says something."""
    error = innermost(error)
    if isinstance(error, RequestRefused):
        return error.message
    return str(error) or type(error).__name__
