"""`/mcp`: the official package's transport, behind Hive's key, with bounds of Hive's own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from bus import auth, telemetry
from bus.errors import InvalidJson, PayloadTooLarge
from bus.messages import Claims
from bus.together import end
from coordinator.gateway.asking import CLAIMS, address_of, via
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.identity import read
from coordinator.gateway.mcp.feed import Feed
from coordinator.gateway.mcp.guard import require_own_names
from coordinator.gateway.mcp.server import build

logger = telemetry.log(__name__)

KEY_SECONDS: Final = 5.0
"""Between two looks at the key of a client that listens; told it is nothing from the moment on at which its key was revoked."""
_REFUSALS: Final = {error.http_status: error.code for error in (InvalidJson, PayloadTooLarge)}
"""What the transport answers by itself to a body that is none, or too large."""


class Endpoint:
    """ASGI. Streams end when the gateway is told to stop, so that it need not wait for who listens."""

    def __init__(self, gateway: Gateway, manager: StreamableHTTPSessionManager) -> None:
        self._gateway, self._manager = gateway, manager
        names = {*gateway.settings.mcp_hosts}
        if not gateway.settings.on_loopback:
            names |= {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local", socket.getfqdn().lower()}
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, loopback_only = Headers(scope=scope), self._gateway.settings.on_loopback
        require_own_names(headers.get("host"), headers.get("origin"), loopback_only=loopback_only, names=self._names)
        scope["user"] = _user(scope[CLAIMS])
        if scope["method"] == "GET":
            await self._listen(scope, receive, send)
        else:
            await self._manager.handle_request(scope, receive, _telling(scope, send))

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the server tells unasked, until the client goes, its key is revoked, or the gateway stops."""
        open_ended = False

        async def sending(message: Message) -> None:
            nonlocal open_ended
            open_ended = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        serving = asyncio.create_task(self._manager.handle_request(scope, receive, sending))
        stopping = asyncio.create_task(self._gateway.stopping.wait())
        key_hash = auth.hash_key(read(Headers(scope=scope)).secret)
        try:
            while self._gateway.identity.held(key_hash) is not None:
                if (await asyncio.wait({serving, stopping}, timeout=KEY_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
                    break
        finally:
            await end((serving, stopping))
        if not serving.cancelled():
            serving.result()
        elif open_ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _telling(scope: Scope, send: Send) -> Send:
    """Logs what is refused, as the envelope does of the other doors."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and (code := _REFUSALS.get(message["status"])) is not None:
            logger.warning("request_refused", path=via(scope), address=address_of(scope), code=code)
        await send(message)

    return sending


def _user(claims: Claims) -> AuthenticatedUser:
    """For the transport, which gives a session only to the key that began it."""
    key = str(claims.key_id or claims.sub)
    return AuthenticatedUser(AccessToken(token="", client_id=key, scopes=[], subject=f"{claims.tenant}/{claims.sub}"))


@asynccontextmanager
async def open_mcp(gateway: Gateway, builder: Callable[[Gateway, Feed], Server[Any]] = build) -> AsyncIterator[Endpoint]:
    """`builder` makes the server that answers."""
    settings = gateway.settings
    feed = Feed(gateway)
    manager = StreamableHTTPSessionManager(
        builder(gateway, feed),
        max_request_body_size=settings.max_body_bytes,
        session_idle_timeout=settings.mcp_session_seconds,
        max_sessions=settings.mcp_sessions,
    )
    await feed.start()
    ending = asyncio.create_task(_stop(gateway, feed))
    try:
        async with manager.run():
            yield Endpoint(gateway, manager)
    finally:
        await end([ending])
        await feed.close()


async def _stop(gateway: Gateway, feed: Feed) -> None:
    await gateway.stopping.wait()
    feed.stop()
