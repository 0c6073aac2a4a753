"""How many WebSocket connections a door has open: ASGI, around the whole application."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


class OpenSockets:
    """Counts from the handshake's acceptance to the end, whoever brings it about. One for a process, around any number of apps."""

    def __init__(self) -> None:
        self.number = 0

    def around(self, app: App) -> App:
        async def counted(scope: Any, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                await self._counted(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return counted

    async def _counted(self, app: App, scope: Any, receive: Receive, send: Send) -> None:
        accepted = False

        async def heard(message: Message) -> None:
            nonlocal accepted
            if message["type"] == "websocket.accept" and not accepted:
                accepted = True
                self.number += 1
            await send(message)

        try:
            await app(scope, receive, heard)
        finally:
            self.number -= accepted
