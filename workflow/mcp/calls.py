"""What a workflow asks of a server that is registered: its tools, or a call of one."""

import asyncio
from typing import Any

from bus import subjects
from bus.client import Bus
from bus.errors import (
    AnswerTooLarge,
    DatabaseUnavailable,
    DeadlineExceeded,
    HiveError,
    McpServerFailed,
    NoLeader,
    OutcomeUnknown,
)
from bus.messages import Claims
from bus.messages.mcp_servers import CallMcpTool, McpServerRecord, McpServerStatus, McpToolAnswer, McpTransport
from workflow.core.effects import CallMcp
from workflow.core.execution import Reply
from workflow.credentials.http_auth import cleared
from workflow.mcp.failing import failed
from workflow.mcp.keeper import Keeper, address_of_server
from workflow.mcp.registry import Registered, Registry
from workflow.outside.mcp_client import McpClient
from workflow.running.fence import Fence

_BESIDE_SECONDS = 2.0
"""For the bus, beside the time that the server has."""
_AGAIN_SECONDS = 0.5


class RegisteredCalls:
    """A server that is reached by HTTP is asked from here; one that runs is asked by the engine that runs it."""

    def __init__(
        self, registry: Registry, keeper: Keeper, bus: Bus, client: McpClient, trusted: McpClient, fence: Fence
    ) -> None:
        self._registry, self._keeper, self._bus = registry, keeper, bus
        self._client, self._trusted, self._fence = client, trusted, fence

    async def carry_out(self, effect: CallMcp, claims: Claims) -> Reply:
        """McpServerNotFound, CredentialUnreadable."""
        server, record = await self._registry.opened(effect.server, claims.tenant)
        if not record.active:
            raise McpServerFailed(f"The MCP server {server.name!r} is switched off.")
        try:
            found = await (self._running if server.transport is McpTransport.STDIO else self._reached)(
                effect, server, record, claims
            )
        except DatabaseUnavailable:
            raise
        except HiveError as error:
            return failed(effect, error, server.hidden)
        return Reply(value=cleared(found, server.secrets))

    async def _reached(self, effect: CallMcp, server: Registered, record: McpServerRecord, claims: Claims) -> Any:
        client = self._trusted if server.trusted else self._client
        address = address_of_server(server)
        if effect.operation == "known" and any(tool.name == effect.tool for tool in record.tools):
            return _listed(record)
        if effect.operation in ("list", "known"):
            return await client.tools(address, effect.timeout_seconds)
        return await client.call(address, effect.tool, effect.arguments, effect.key, effect.timeout_seconds)

    async def _running(self, effect: CallMcp, server: Registered, record: McpServerRecord, claims: Claims) -> Any:
        server, record = await self._begun(effect, server, record, claims)
        if record.status is not McpServerStatus.CONNECTED:
            why = f": {record.reason}" if record.reason else ""
            raise McpServerFailed(f"The MCP server {server.name!r} is {record.status}{why}")
        if effect.operation in ("list", "known"):
            return _listed(record)
        seconds = effect.timeout_seconds
        await self._fence.passed()
        here = await self._keeper.call(server, effect.tool, effect.arguments, effect.key, seconds)
        return here if here is not None else await self._elsewhere(effect, claims)

    async def _begun(
        self, effect: CallMcp, server: Registered, record: McpServerRecord, claims: Claims
    ) -> tuple[Registered, McpServerRecord]:
        """One that begins just now is waited for: nothing was sent to it yet."""
        until = asyncio.get_running_loop().time() + effect.timeout_seconds
        while record.status is McpServerStatus.CONNECTING and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_AGAIN_SECONDS)
            server, record = await self._registry.opened(effect.server, claims.tenant)
        return server, record

    async def _elsewhere(self, effect: CallMcp, claims: Claims) -> Any:
        seconds = effect.timeout_seconds
        wish = CallMcpTool(
            name=effect.server, tool=effect.tool, arguments=effect.arguments, key=effect.key, timeout_seconds=seconds
        )
        subject = subjects.service_verb(subjects.SERVICE_MCP_SERVERS, "call")
        try:
            answer = await self._bus.request(subject, wish, McpToolAnswer, claims=claims, timeout=seconds + _BESIDE_SECONDS)
        except NoLeader:
            raise McpServerFailed(f"No engine runs the MCP server {effect.server!r} just now. Try again in a moment.") from None
        except (AnswerTooLarge, DeadlineExceeded) as error:
            raise OutcomeUnknown(f"{error.message} Whether the call happened is not known.") from None
        return answer.result


def _listed(record: McpServerRecord) -> list[dict[str, Any]]:
    """As the server listed them last, in MCP's shape."""
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "inputSchema": tool.input_schema,
            "annotations": tool.annotations,
        }
        for tool in record.tools
    ]
