"""Who asks, by a request of the protocol: the key of the HTTP request that it came with, or the one that the process was started with."""

from dataclasses import dataclass
from typing import Any

from mcp.server.context import ServerRequestContext
from starlette.requests import Request

from bus import auth
from bus.errors import Unauthenticated
from bus.messages import Claims
from coordinator.gateway.asking import CLAIMS
from coordinator.gateway.identity import Identity, read

Context = ServerRequestContext[Any, Request]


@dataclass(frozen=True, slots=True)
class OwnKey:
    """Of a server on standard input, which has one client and one key: the lifespan's state of the package."""

    key_hash: str
    identity: Identity


def claims_of(context: Context) -> Claims:
    """Of a request of HTTP the gate has looked at the key. Unauthenticated where the process's own was revoked."""
    if context.request is not None:
        claims: Claims = context.request.scope[CLAIMS]
        return claims
    own = _own(context)
    held = own.identity.held(own.key_hash)
    if held is None:
        raise Unauthenticated("The key of this server was revoked. Start it again with one that holds.")
    return held


def key_hash_of(context: Context) -> str:
    return auth.hash_key(read(context.request.headers).secret) if context.request is not None else _own(context).key_hash


def _own(context: Context) -> OwnKey:
    own: OwnKey = context.lifespan_context
    return own
