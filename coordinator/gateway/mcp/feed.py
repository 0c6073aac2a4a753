"""What clients are told unasked: that the list of tools has changed. The bus says so, and every gateway tells its own clients.

By handshake a client has a session with a stream; the version of 2026-07-28 has neither, and listens by a request that stays open.
Nobody is told anything once the key that they came with was revoked.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from mcp.server.session import ServerSession
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated, ServerEvent, ToolsListChanged
from mcp_types import INTERNAL_ERROR, SubscriptionsListenRequestParams, SubscriptionsListenResult

from bus import subjects
from bus.client import Closing, Received
from bus.messages.workflows import WorkflowNotice
from bus.together import end
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.context import Context, key_hash_of

SEND_SECONDS: Final = 5.0
"""Who takes in nothing for so long is told nothing until the next time."""

_JOINED: Final = "hive.client"


@dataclass(eq=False)
class Client:
    """One that came by handshake. What it is still to be told is kept once, however often it happens."""

    session: ServerSession
    key_hash: str
    pending: dict[ServerEvent, None] = field(default_factory=dict)
    sending: asyncio.Task[None] | None = None

    def tell(self, event: ServerEvent) -> None:
        self.pending[event] = None
        if self.sending is None or self.sending.done():
            self.sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            while self.pending:
                event = next(iter(self.pending))
                del self.pending[event]
                async with asyncio.timeout(SEND_SECONDS):
                    await _say(self.session, event)
        except TimeoutError:
            self.pending.clear()

    async def close(self) -> None:
        if self.sending is not None:
            await end([self.sending])


async def _say(session: ServerSession, event: ServerEvent) -> None:
    match event:
        case ToolsListChanged():
            await session.send_tool_list_changed()
        case ResourceUpdated(uri):
            await session.send_resource_updated(uri)


class Feed:
    """`start`, then `publish` for whatever the bus does not say by itself."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._clients: set[Client] = set()
        self._listeners: dict[object, Callable[[ServerEvent], None]] = {}
        self._streams: set[ListenHandler] = set()
        self._subscription: Closing | None = None

    async def start(self) -> None:
        self._subscription = await self._gateway.bus.subscribe(subjects.WORKFLOW_NOTICES, self._noticed)

    async def close(self) -> None:
        if self._subscription is not None:
            await self._subscription.close()
        for client in set(self._clients):
            await client.close()

    def stop(self) -> None:
        """Ends the streams of those who listen, in the protocol's own way."""
        for stream in self._streams:
            stream.close()

    async def joined(self, context: Context, _: object) -> None:
        """A client has shaken hands, which counts once."""
        connection = context.session._connection  # the package gives handlers no other way to hear of a session's end
        if _JOINED in connection.state:
            return
        connection.state[_JOINED] = client = Client(context.session, key_hash_of(context))
        self._clients.add(client)
        connection.exit_stack.callback(self._clients.discard, client)
        connection.exit_stack.push_async_callback(client.close)

    async def listen(self, context: Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        """A client of 2026-07-28 listens until it goes, or the gateway stops."""
        if len(self._streams) >= self._gateway.settings.mcp_sessions:
            raise MCPError(INTERNAL_ERROR, "As many clients listen as may. Ask again later, or poll.")
        stream = ListenHandler(_Own(self, key_hash_of(context)))
        self._streams.add(stream)
        try:
            return await stream(context, params)
        finally:
            self._streams.discard(stream)

    def publish(self, event: ServerEvent) -> None:
        for client in self._clients:
            if self._gateway.identity.holds(client.key_hash):
                client.tell(event)
        for listener in list(self._listeners.values()):
            listener(event)

    def subscribe(self, key_hash: str, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        token = object()

        def heard(event: ServerEvent) -> None:
            if self._gateway.identity.holds(key_hash):
                listener(event)

        self._listeners[token] = heard
        return lambda: self._listeners.pop(token, None) and None

    async def _noticed(self, received: Received) -> None:
        if received.decode(WorkflowNotice).stop_execution is None:
            self.publish(ToolsListChanged())


class _Own:
    """The feed as one listener has it: the package's SubscriptionBus."""

    def __init__(self, feed: Feed, key_hash: str) -> None:
        self._feed, self._key_hash = feed, key_hash

    async def publish(self, event: Any) -> None:
        self._feed.publish(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        return self._feed.subscribe(self._key_hash, listener)
