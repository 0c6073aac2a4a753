"""The protocol's requests, answered by the tools with the rights of the key that each request shows."""

from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from starlette.requests import Request

from bus import telemetry
from bus.errors import HiveError
from bus.messages import Claims
from bus.version import hive_version
from coordinator.gateway.gate import CLAIMS
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.answers import answer, refusal
from coordinator.gateway.mcp.catalogue import TOOLS

logger = telemetry.log(__name__)

Context = ServerRequestContext[Any, Request]

INSTRUCTIONS: Final = """Hive is one queue in front of many GPU hosts that run language models. Submit a task with submit_task and ask get_task for
its end; no call waits longer than 50 seconds, so long work goes on by itself under its id. Workflows are n8n's documents."""


class Handlers:
    """What the protocol asks for. Which key asks is in each request: a session has no rights of its own."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list_tools(self, context: Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        """Those that the key may use."""
        claims = claims_of(context)
        return ListToolsResult(tools=[tool.described for tool in TOOLS.values() if tool.open_to(claims)])

    async def call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        claims = claims_of(context)
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name}. tools/list has those that this key may use.")
        try:
            return answer(await tool.call(self._gateway, claims, params.arguments, context.session.report_progress))
        except HiveError as error:
            return refusal(error)
        except Exception as error:
            logger.error("tool_failed", tool=params.name, exc_info=error)
            return refusal(HiveError("Something failed inside, and it is Hive's fault. The gateway's log has the reason."))


def claims_of(context: Context) -> Claims:
    """Of the HTTP request that this came with: the gate has looked at its key."""
    if context.request is None:
        raise MCPError(INVALID_PARAMS, "The request came by no door.")
    claims: Claims = context.request.scope[CLAIMS]
    return claims


def build(gateway: Gateway) -> Server[Any]:
    handlers = Handlers(gateway)
    return Server(
        "hive",
        version=hive_version(),
        title="Hive",
        instructions=INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
    )
