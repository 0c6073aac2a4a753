"""A page of the dashboard as a browser holds it open, without the browser: the page's HTML, its socket, and what is sent over it."""

import asyncio
import html
import json
import re
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import socketio

_CLIENT = re.compile(r"'client_id': '([^']+)'")
_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)
PATIENCE_SECONDS = 30
ACK_SECONDS = 3.0
"""As often as a browser says what it has seen; until then the server keeps it."""


class OpenPage:
    """Of whoever `http` is logged in as. `frames` counts what the feed has sent, `bytes` how much that was."""

    def __init__(self, http: httpx.AsyncClient, path: str) -> None:
        self._http, self._path = http, path
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("run_javascript", self._told)
        self._next, self._acked = 0, 0.0
        self._heard = asyncio.Event()
        self.frames = self.bytes = 0

    async def __aenter__(self) -> Self:
        page = (await self._http.get(self._path)).raise_for_status().text
        found, elements = _CLIENT.search(page), _ELEMENTS.search(page)
        assert found is not None, f"{self._path} is no page of the dashboard: {page[:300]}"
        assert elements is not None, f"{self._path} has no elements"
        self._client = found.group(1)
        ids = {"client_id": self._client, "document_id": str(uuid4()), "tab_id": str(uuid4()), "old_tab_id": ""}
        query = urlencode({**ids, "next_message_id": 0, "implicit_handshake": "true"})
        address = f"{self._http.base_url}?{query}"
        await self._socket.connect(
            address, socketio_path="/_nicegui_ws/socket.io", transports=["websocket"], wait_timeout=PATIENCE_SECONDS
        )
        for element_id, element in json.loads(html.unescape(elements.group(1))).items():
            for event in element.get("events", ()):
                if event["type"] == "ready":
                    await self._emit(int(element_id), event["listener_id"])
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._socket.disconnect()

    async def shown(self) -> None:
        """Returns once the feed has sent something."""
        await self._heard.wait()

    async def _emit(self, element_id: int, listener_id: str) -> None:
        about = {"id": element_id, "client_id": self._client, "listener_id": listener_id, "args": [None]}
        await self._socket.emit("event", about)

    async def _told(self, message: dict[str, Any]) -> None:
        self._next = message.get("_id", self._next) + 1
        code = str(message.get("code", ""))
        if ', "frame", ' in code:
            self.frames += 1
            self.bytes += len(code)
            self._heard.set()
        now = asyncio.get_running_loop().time()
        if now - self._acked > ACK_SECONDS:
            self._acked = now
            await self._socket.emit("ack", {"client_id": self._client, "next_message_id": self._next})
