"""The verbs of MCP servers: `hive.svc.mcp-servers.*`. None of them answers with arguments, environments or headers."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

from bus import subjects
from bus.auth import Permission
from bus.messages import NoReply
from bus.messages.mcp_servers import (
    ImportMcpServers,
    McpImport,
    McpServerList,
    McpServerRecord,
    McpServerRef,
    RegisterMcpServer,
    ReplaceMcpServer,
)
from bus.service import Call, Endpoint, Service
from bus.version import hive_version
from workflow.mcp.registry import Registry


class _Verbs:
    """`changed` tells whoever keeps the connections."""

    def __init__(self, registry: Registry, changed: Callable[[], Awaitable[None]]) -> None:
        self._registry, self._changed = registry, changed

    async def register(self, call: Call[RegisterMcpServer]) -> McpServerRecord:
        made = await self._registry.register(call.body.name, call.body, call.claims)
        await self._changed()
        return made

    async def replace(self, call: Call[ReplaceMcpServer]) -> McpServerRecord:
        made = await self._registry.replace(call.body.name, call.body, call.claims)
        await self._changed()
        return made

    async def load(self, call: Call[ImportMcpServers]) -> McpImport:
        done = await self._registry.load(call.body.document, call.claims)
        await self._changed()
        return done

    async def get(self, call: Call[McpServerRef]) -> McpServerRecord:
        return await self._registry.get(call.body.name, call.claims)

    async def list(self, call: Call[NoReply]) -> McpServerList:
        return await self._registry.list(call.claims)

    async def remove(self, call: Call[McpServerRef]) -> NoReply:
        await self._registry.remove(call.body.name, call.claims)
        await self._changed()
        return NoReply()


def service(registry: Registry, changed: Callable[[], Awaitable[None]]) -> Service:
    verbs, own, view = _Verbs(registry, changed), Permission.MCP_SERVERS_OWN, Permission.MCP_SERVERS_VIEW
    return Service(
        name=subjects.SERVICE_MCP_SERVERS,
        version=hive_version(),
        description="MCP servers that workflows may call",
        endpoints=(
            _endpoint("register", RegisterMcpServer, verbs.register, own, "One that runs a program needs more"),
            _endpoint("replace", ReplaceMcpServer, verbs.replace, own, "All of it"),
            _endpoint("import", ImportMcpServers, verbs.load, own, "Of an assistant's file"),
            _endpoint("get", McpServerRef, verbs.get, view, "With its tools"),
            _endpoint("list", NoReply, verbs.list, view, "Without tools"),
            _endpoint("remove", McpServerRef, verbs.remove, own, "Nodes that name it fail from then on"),
        ),
    )


def _endpoint(
    verb: str,
    body: type[BaseModel],
    handler: Callable[[Call[Any]], Awaitable[BaseModel]],
    permission: Permission,
    description: str,
) -> Endpoint:
    return Endpoint(verb=verb, body=body, handler=handler, permission=permission, description=description)
