"""What of registered MCP servers a workflow needs, and whether it is there."""

import json
from collections.abc import Sequence

import asyncpg

from bus.database import NamedStatements, available
from bus.messages.mcp_servers import McpServerStatus
from bus.messages.workflows import McpToolUse
from workflow.n8n.check import Servers
from workflow.n8n.tools import McpNeed
from workflow.sql import queries


class Needing:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._statements = NamedStatements(pool, queries())

    async def servers(self, needs: Sequence[McpNeed], tenant: str) -> Servers:
        """Those of the needed ones that are registered; one that was never reached may have any tool."""
        if not needs:
            return {}
        with available():
            rows = await self._statements.all("tools_of_mcp_servers", tenant, sorted({need.server for need in needs}))
        unseen = [row["name"] for row in rows if row["status"] != McpServerStatus.CONNECTED and not row["tools"]]
        return {row["name"]: None if row["name"] in unseen else row["tools"] for row in rows}


def stored(needs: Sequence[McpNeed]) -> str | None:
    """As `workflows.mcp_tools` has it, which takes no U+0000."""
    if not needs:
        return None
    return json.dumps([{name: _plain(getattr(need, name)) for name in ("node", "server", "tool")} for need in needs])


def _plain(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "")


def shown(needs: Sequence[McpNeed], servers: Servers) -> tuple[McpToolUse, ...]:
    return tuple(
        McpToolUse(node=need.node, server=need.server, tool=need.tool, registered=need.server in servers) for need in needs
    )
