"""The protocol's requests, answered with the rights of the key that each request shows: a session has none of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    NotificationParams,
    PaginatedRequestParams,
)
from pydantic import BaseModel

from bus import telemetry
from bus.errors import HiveError, PermissionDenied, RateLimited
from bus.version import hive_version
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.answers import answer, refusal
from coordinator.gateway.mcp.catalogue import TOOLS
from coordinator.gateway.mcp.context import Context, claims_of
from coordinator.gateway.mcp.feed import Feed
from coordinator.gateway.mcp.prompts import Prompts
from coordinator.gateway.mcp.published import Published
from coordinator.gateway.mcp.resources import Resources, protocol_error

logger = telemetry.log(__name__)

INSTRUCTIONS: Final = """Hive is one queue in front of many GPU hosts that run language models. Submit a task with submit_task and ask get_task for
its end; no call waits longer than 50 seconds, so long work goes on by itself under its id. Workflows are n8n's documents, and every active one
that you may call is a tool of its own."""


Lifespan = Callable[[Server[Any]], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def nothing(_: Server[Any]) -> AsyncIterator[None]:
    yield None


class McpServer(Server[Any]):
    """With what it tells by itself."""

    def create_initialization_options(
        self, notification_options: NotificationOptions | None = None, *args: Any, **kwargs: Any
    ) -> InitializationOptions:
        return super().create_initialization_options(NotificationOptions(tools_changed=True), *args, **kwargs)


class Tools:
    """Hive's own, and the active workflows."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway, self._published = gateway, Published(gateway, TOOLS.keys())

    async def list(self, context: Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        """Those that the key may use."""
        claims = claims_of(context)
        own = [tool.described for tool in TOOLS.values() if tool.open_to(claims)]
        return ListToolsResult(tools=[*own, *await self._published.list(claims)])

    async def call(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        try:
            return answer(await self._called(context, params))
        except HiveError as error:
            if isinstance(error, PermissionDenied | RateLimited) and not error.recorded:
                await self._gateway.bus.auditor.refused("doors.mcp", claims_of(context), error, params.name)
            return refusal(error)
        except MCPError:
            raise
        except Exception as error:
            logger.error("tool_failed", tool=params.name, exc_info=error)
            return refusal(HiveError("Something failed inside, and it is Hive's fault. The gateway's log has the reason."))

    async def _called(self, context: Context, params: CallToolRequestParams) -> BaseModel:
        claims, progress = claims_of(context), context.session.report_progress
        if (own := TOOLS.get(params.name)) is not None:
            return await own.call(self._gateway, claims, params.arguments, progress)
        published = await self._published.find(params.name, claims)
        if published is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name}. tools/list has those that this key may use.")
        return await self._published.call(published, claims, params.arguments, progress)


async def in_words(ctx: Context, call_next: CallNext) -> HandlerResult:
    """What Hive refuses beyond a tool, such as a list for a key that was revoked, in the protocol's form."""
    try:
        return await call_next(ctx)
    except HiveError as error:
        raise protocol_error(error) from None


def build(gateway: Gateway, feed: Feed, lifespan: Lifespan = nothing) -> Server[Any]:
    """`lifespan` gives the `OwnKey` of a server on standard input; over HTTP every request has its own."""
    tools, resources, prompts = Tools(gateway), Resources(gateway, feed), Prompts(gateway)
    server = McpServer(
        "hive",
        version=hive_version(),
        title="Hive",
        instructions=INSTRUCTIONS,
        lifespan=lifespan,
        # No parameter travels as a header. Without this every call of 2026-07-28 would list all tools, and so ask an engine, to know that.
        get_tool_input_schema=lambda _: None,
        on_list_tools=tools.list,
        on_call_tool=tools.call,
        on_list_resources=resources.list,
        on_list_resource_templates=resources.templates,
        on_read_resource=resources.read,
        on_subscribe_resource=resources.subscribe,
        on_unsubscribe_resource=resources.unsubscribe,
        on_completion=resources.complete,
        on_list_prompts=prompts.list,
        on_get_prompt=prompts.get,
        on_subscriptions_listen=feed.listen,
    )
    server.middleware.append(in_words)
    server.add_notification_handler("notifications/initialized", NotificationParams, feed.joined)
    return server
