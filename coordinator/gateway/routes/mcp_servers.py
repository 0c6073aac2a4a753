"""MCP servers that workflows may call: registered, imported, looked at, changed and removed. What is secret goes in and never comes out."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    Conflict,
    CredentialUnreadable,
    InvalidId,
    InvalidJson,
    McpServerNotFound,
    PayloadTooLarge,
    TooManyMcpServers,
    UnsupportedMcpTransport,
    UnsupportedMediaType,
)
from bus.messages import NoReply
from bus.messages.base import JsonObject
from bus.messages.mcp_servers import (
    ImportMcpServers,
    McpImport,
    McpServerList,
    McpServerName,
    McpServerRecord,
    McpServerRef,
    McpServerWish,
    RegisterMcpServer,
    ReplaceMcpServer,
)
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import mcp_servers as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/mcp-servers", tags=["mcp servers"], route_class=JsonRoute)

_BODY = (InvalidJson, PayloadTooLarge, UnsupportedMediaType, UnsupportedMcpTransport, CredentialUnreadable)
_Name = Annotated[McpServerName, Path(description="the server's name", examples=["time"])]
_SERVICE = subjects.SERVICE_MCP_SERVERS


@router.post(
    "",
    summary="Register an MCP server",
    status_code=201,
    response_model=McpServerRecord,
    **needs(Permission.MCP_SERVERS_OWN, Conflict, TooManyMcpServers, *_BODY),
)
async def register(
    wish: Annotated[RegisterMcpServer, Body(openapi_examples=examples.SERVERS)], gateway: Door, caller: Caller
) -> Response:
    """Workflows name it from then on. One that runs a program (`stdio`) needs `mcp_servers.manage`."""
    made = await verbs.order(gateway.bus, _SERVICE, "register", wish, McpServerRecord, caller)
    return answer(made, 201, {"Location": f"/api/mcp-servers/{made.name}"})


@router.post(
    "/import",
    summary="Register what an assistant's file has",
    response_model=McpImport,
    **needs(Permission.MCP_SERVERS_OWN, *_BODY),
)
async def load(
    document: Annotated[JsonObject, Body(openapi_examples=examples.FILES)], gateway: Door, caller: Caller
) -> Response:
    """`{"mcpServers": {…}}`, or `{"servers": {…}}`, as it is. One that is there already is replaced; what is refused says why."""
    return answer(await verbs.order(gateway.bus, _SERVICE, "import", ImportMcpServers(document=document), McpImport, caller))


@router.get("", summary="List MCP servers", response_model=McpServerList, **needs(Permission.MCP_SERVERS_VIEW))
async def list_servers(gateway: Door, caller: Caller) -> Response:
    """How each is, without its tools."""
    return answer(await verbs.ask(gateway.bus, _SERVICE, "list", NoReply(), McpServerList, caller))


@router.get(
    "/{name}",
    summary="Get an MCP server",
    response_model=McpServerRecord,
    **needs(Permission.MCP_SERVERS_VIEW, InvalidId, McpServerNotFound),
)
async def get_server(name: _Name, gateway: Door, caller: Caller) -> Response:
    """How it is, and its tools with their schemas. Names of its headers and environment, and not what is in them."""
    return answer(await verbs.ask(gateway.bus, _SERVICE, "get", McpServerRef(name=name), McpServerRecord, caller))


@router.put(
    "/{name}",
    summary="Replace an MCP server",
    response_model=McpServerRecord,
    **needs(Permission.MCP_SERVERS_OWN, InvalidId, McpServerNotFound, *_BODY),
)
async def replace(
    name: _Name,
    wish: Annotated[McpServerWish, Body(openapi_examples=examples.CHANGES)],
    gateway: Door,
    caller: Caller,
) -> Response:
    """All of it, also what is secret. It is connected anew."""
    changed = ReplaceMcpServer(name=name, **{field: getattr(wish, field) for field in wish.model_fields_set})
    return answer(await verbs.order(gateway.bus, _SERVICE, "replace", changed, McpServerRecord, caller))


@router.delete(
    "/{name}",
    summary="Remove an MCP server",
    status_code=204,
    response_class=Response,
    **needs(Permission.MCP_SERVERS_OWN, InvalidId, McpServerNotFound),
)
async def remove(name: _Name, gateway: Door, caller: Caller) -> Response:
    """Its process ends, and nodes that name it fail from now on."""
    await verbs.order(gateway.bus, _SERVICE, "remove", McpServerRef(name=name), NoReply, caller)
    return Response(status_code=204)
