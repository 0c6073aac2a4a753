"""Who asks, by a request of the protocol: the key of the HTTP request that it came with."""

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST
from starlette.requests import Request

from bus import auth
from bus.messages import Claims
from coordinator.gateway.gate import CLAIMS
from coordinator.gateway.identity import read

Context = ServerRequestContext[Any, Request]


def request_of(context: Context) -> Request:
    if context.request is None:
        raise MCPError(INVALID_REQUEST, "This came by no request of HTTP, so nobody knows whose it is.")
    return context.request


def claims_of(context: Context) -> Claims:
    """The gate has looked at its key."""
    claims: Claims = request_of(context).scope[CLAIMS]
    return claims


def key_hash_of(context: Context) -> str:
    return auth.hash_key(read(request_of(context).headers).secret)
