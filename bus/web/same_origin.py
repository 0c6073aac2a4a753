"""ASGI for a dashboard, whose visitors are known by a cookie that a browser adds by itself: what another site made it send is refused,
so is a path that leads upwards, and a connection that sends without end is closed."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bus import telemetry
from bus.web.origins import SAFE_METHODS, from_elsewhere
from bus.web.pace import MessagePace
from bus.web.paths import climbs

logger = telemetry.log(__name__)

POLICY_VIOLATED: Final = 1008


class SameOrigin:
    """`always`: paths that are looked at whatever the method, since they open a connection."""

    def __init__(self, app: ASGIApp, always: str, now: Callable[[], float] = monotonic) -> None:
        self._app, self._always, self._now = app, always, now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        address = client[0] if client else ""
        if kind == "http" and climbs(scope["path"]):
            logger.warning("path_refused", path=scope["path"][:200], address=address)
            await PlainTextResponse("There is no such page.\n", 404)(scope, receive, send)
            return
        headers = Headers(scope=scope)
        changes = kind == "websocket" or scope["method"] not in SAFE_METHODS or scope["path"].startswith(self._always)
        if changes and from_elsewhere(headers):
            logger.warning("foreign_request_refused", path=scope["path"], origin=headers.get("origin"), address=address)
            if kind == "websocket":
                await send({"type": "websocket.close", "code": POLICY_VIOLATED})
            else:
                await PlainTextResponse("Another site made this browser send the request.\n", 403)(scope, receive, send)
            return
        await self._app(scope, self._paced(scope, receive, send) if kind == "websocket" else receive, send)

    def _paced(self, scope: Scope, receive: Receive, send: Send) -> Receive:
        pace = MessagePace()

        async def heard() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive" or pace.allows(self._now()):
                return message
            client = scope.get("client")
            logger.warning("flood_closed", path=scope["path"], address=client[0] if client else "")
            await send({"type": "websocket.close", "code": POLICY_VIOLATED, "reason": "too many messages"})
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATED}

        return heard
