"""Static files over HTTP, and pages that name them by where browsers are to take them from."""

import asyncio
import mimetypes
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gui.static_files import PLACE, StaticFiles

KEPT: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    # A CDN that fetches them here hands on these as well: a browser takes modules and fonts of another origin no other way.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
NOT_KEPT: Final = "no-store"
_ROUTE: Final = PLACE + "/{digest}/{name:path}"

mimetypes.add_type("font/woff2", ".woff2")


class ServedFiles:
    """ASGI. Takes what is below PLACE, before anything that knows visitors: a CDN would hand the cookie of one to all."""

    def __init__(self, app: ASGIApp, found: StaticFiles) -> None:
        self._app, self._found = app, found
        self._files = GZipMiddleware(Router([Route(_ROUTE, self._answer)]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(f"{PLACE}/")
        await (self._files if ours else self._app)(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """404 for another version's: what this one has under the name may not fit the page, and would be kept for a year. So would what was
        installed meanwhile, until this process ends: it is given, and kept by nobody.
        """
        name, found = request.path_params["name"], self._found
        if request.path_params["digest"] != found.digest or name not in found.files:
            return PlainTextResponse("There is no such file in this version.\n", 404, {"Cache-Control": NOT_KEPT})
        content = await asyncio.to_thread(found.content, name)
        kept = {} if found.is_in_digest(name, content) else {"Cache-Control": NOT_KEPT}
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(content, headers={**KEPT, **kept}, media_type=media_type)


class MovedAddresses:
    """ASGI. `base` is where static files are: a path of this server, or another origin's address."""

    def __init__(self, app: ASGIApp, found: StaticFiles, base: str) -> None:
        self._app, self._found, self._base = app, found, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, self._moving(send) if scope["type"] == "http" else send)

    def _moving(self, send: Send) -> Send:
        start: Message | None = None
        parts: list[bytes] = []

        async def moving(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif message["type"] == "http.response.body" and start is not None:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    page = self._found.in_page(b"".join(parts), self._base)
                    headers = MutableHeaders(raw=list(start["headers"]))
                    headers["content-length"] = str(len(page))
                    await send({**start, "headers": headers.raw})
                    await send({"type": "http.response.body", "body": page})
            else:
                await send(message)

        return moving


def _is_page(start: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in start["headers"])
