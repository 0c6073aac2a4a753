"""Scripts and styles, whose addresses change with what they hold: read and compressed once, and answered from memory from then on.

NiceGUI reads and compresses each of them anew for each browser that asks: half a second of processor time for somebody's first visit.
"""

from typing import Final

from nicegui import __version__
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gui.static_files import PLACE

Headers = list[tuple[bytes, bytes]]

LASTING: Final = (f"{PLACE}/", *(f"/_nicegui/{__version__}/{part}/" for part in ("static", "components", "esm", "libraries")))
"""Hive's address of them, and NiceGUI's own, by which a page asks for an element that it gets later."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""Hive's pages ask for one and a half million."""
_ASKED_OTHERWISE: Final = (b"range", b"if-none-match", b"if-modified-since")
_OF_ONE_ANSWER: Final = (b"set-cookie", b"date", b"content-length", b"transfer-encoding")


class KeptAnswers:
    """ASGI, outside of everything else: who has no login may have these as well."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[tuple[str, bool], tuple[Headers, bytes]] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            await self._app(scope, receive, send)
        elif key in self._kept:
            headers, body = self._kept[key]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        else:
            await self._app(scope, receive, self._keeping(key, send))

    def _keeping(self, key: tuple[str, bool], send: Send) -> Send:
        headers: Headers | None = None
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = [(name, value) for name, value in message["headers"] if name.lower() not in _OF_ONE_ANSWER]
            elif message["type"] == "http.response.body" and headers is not None:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    self._keep(key, headers, b"".join(parts))
            await send(message)

        return keep

    def _keep(self, key: tuple[str, bool], headers: Headers, body: bytes) -> None:
        if self._bytes + len(body) <= MOST_BYTES and key not in self._kept:
            self._bytes += len(body)
            self._kept[key] = [*headers, (b"content-length", str(len(body)).encode())], body


def _key(scope: Scope) -> tuple[str, bool] | None:
    """None for what is not kept."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"] or not scope["path"].startswith(LASTING):
        return None
    headers = dict(scope["headers"])
    if any(name in headers for name in _ASKED_OTHERWISE):
        return None
    return scope["path"], b"gzip" in headers.get(b"accept-encoding", b"")
