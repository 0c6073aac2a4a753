"""`hive mcp`: the hive as an MCP server on standard input and output, for assistants that start a process."""

from bus.errors import Unauthenticated
from deploy.cli.command import command, settings
from deploy.cli.connection import operator_bus


@command
async def mcp() -> None:
    """Be an MCP server for an assistant that starts this. Acts with the key in HIVE_KEY, and with nothing beyond what that may."""
    given = settings().key
    key = given.get_secret_value() if given is not None else ""
    if not key:
        raise Unauthenticated(
            "HIVE_KEY has no key. Set it to one that `hive keys create NAME` makes; the assistant may what it may."
        )
    from coordinator.gateway.mcp.stdio import serve_stdio
    from coordinator.gateway.settings import GatewaySettings

    async with operator_bus() as bus:
        await serve_stdio(bus, GatewaySettings(), key)
