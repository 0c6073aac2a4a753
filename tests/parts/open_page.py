"""A page of the dashboard as a browser holds it open, without the browser: the page's HTML, its socket, and what is sent over it."""

import asyncio
import html
import json
import re
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bus.together import end

_CLIENT = re.compile(r"'client_id': '([^']+)'")
_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)
_NUMBER = re.compile(r'"_id":(\d+)')
ACK_SECONDS = 3.0
"""As often as a browser says what it has seen; until then the server keeps it."""
PING, PONG, CONNECT, EVENT = "2", "3", "40", "42"
"""Of engine.io and socket.io. Messages are counted and not read, so that many pages cost little."""


class OpenPage:
    """Of whoever `http` is logged in as. `frames` counts what the feed has sent, `size` how many characters that was."""

    def __init__(self, http: httpx.AsyncClient, path: str) -> None:
        self._http, self._path = http, path
        self._heard = asyncio.Event()
        self._acked = 0.0
        self.frames = self.size = 0

    async def __aenter__(self) -> Self:
        page = (await self._http.get(self._path)).raise_for_status().text
        found, elements = _CLIENT.search(page), _ELEMENTS.search(page)
        assert found is not None, f"{self._path} is no page of the dashboard: {page[:300]}"
        assert elements is not None, f"{self._path} has no elements"
        self._client = found.group(1)
        self._socket = await connect(
            self._address(), additional_headers={"Cookie": self._cookies()}, max_size=None, open_timeout=None
        )
        await self._socket.recv()
        await self._socket.send(CONNECT)
        await self._socket.recv()
        self._reading = asyncio.create_task(self._read(self._socket))
        for element_id, element in json.loads(html.unescape(elements.group(1))).items():
            for event in element.get("events", ()):
                if event["type"] == "ready":
                    await self._emit("event", id=int(element_id), listener_id=event["listener_id"], args=[None])
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await end([self._reading])
        await self._socket.close()

    async def shown(self) -> None:
        """Returns once the feed has sent something."""
        await self._heard.wait()

    def _address(self) -> str:
        ids = {"client_id": self._client, "document_id": uuid4(), "tab_id": uuid4(), "old_tab_id": ""}
        query = urlencode({**ids, "next_message_id": 0, "implicit_handshake": "true", "EIO": 4, "transport": "websocket"})
        return f"ws://{self._http.base_url.netloc.decode()}/_nicegui_ws/socket.io/?{query}"

    def _cookies(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._http.cookies.jar)

    async def _emit(self, name: str, **about: Any) -> None:
        await self._socket.send(EVENT + json.dumps([name, {"client_id": self._client, **about}]))

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in socket:
                assert isinstance(message, str)
                if message == PING:
                    await socket.send(PONG)
                elif message.startswith(EVENT):
                    await self._told(message)

    async def _told(self, message: str) -> None:
        if r", \"frame\", " in message[:200]:
            self.frames += 1
            self.size += len(message)
            self._heard.set()
        now = asyncio.get_running_loop().time()
        number = _NUMBER.search(message, max(0, len(message) - 40))
        if number and now - self._acked > ACK_SECONDS:
            self._acked = now
            await self._emit("ack", next_message_id=int(number.group(1)) + 1)
