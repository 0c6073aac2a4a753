"""What clients are told unasked: that the list of tools has changed, or a resource that they watch. The bus says so, and every gateway
tells its own clients.

By handshake a client has a session with a stream; the version of 2026-07-28 has neither, and listens by a request that stays open.
Nobody is told anything once the key that they came with was revoked.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from mcp.server.session import ServerSession
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated, ServerEvent, ToolsListChanged
from mcp_types import INTERNAL_ERROR, SubscriptionsListenRequestParams, SubscriptionsListenResult

from bus import subjects
from bus.client import Closing, Received
from bus.errors import HiveError, InvalidRequest
from bus.messages import Claims
from bus.messages.workflows import WorkflowNotice
from bus.together import end
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.context import Context, claims_of, key_hash_of
from coordinator.gateway.mcp.reading import kind_of, require_readable

SEND_SECONDS: Final = 5.0
"""Who takes in nothing for so long is told nothing until the next time."""

MAX_WATCHED: Final = 100
"""Resources, by one client."""
_JOINED: Final = "hive.client"


class Hear(Protocol):
    """Takes what happened, and whose it is: None where it is everybody's."""

    def __call__(self, event: ServerEvent, tenant: str | None = None) -> None: ...


@dataclass(eq=False)
class Client:
    """One that came by handshake. What it is still to be told is kept once, however often it happens."""

    session: ServerSession
    key_hash: str
    watched: dict[str, Closing] = field(default_factory=dict)
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
        for uri in list(self.watched):
            await self.watched.pop(uri).close()


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
        self._listeners: dict[object, Hear] = {}
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
        """A client has shaken hands."""
        self._client(context)

    def _client(self, context: Context) -> Client:
        """One a session."""
        connection = context.session._connection  # the package gives handlers no other way to hear of a session's end
        if (known := connection.state.get(_JOINED)) is not None:
            found: Client = known
            return found
        connection.state[_JOINED] = client = Client(context.session, key_hash_of(context))
        self._clients.add(client)
        connection.exit_stack.callback(self._clients.discard, client)
        connection.exit_stack.push_async_callback(client.close)
        return client

    async def watch(self, context: Context, uri: str) -> None:
        """InvalidRequest where the client watches as many as it may."""
        client, claims = self._client(context), claims_of(context)
        if uri in client.watched:
            return
        if len(client.watched) >= MAX_WATCHED:
            raise _too_many()

        def changed() -> None:
            if self._gateway.identity.held(client.key_hash) is not None:
                client.tell(ResourceUpdated(uri))

        changes = await self._changes(claims, uri, changed)
        if uri in client.watched or client not in self._clients:  # asked for twice at once, or gone meanwhile
            await changes.close()
        else:
            client.watched[uri] = changes

    async def unwatch(self, context: Context, uri: str) -> None:
        if (subscription := self._client(context).watched.pop(uri, None)) is not None:
            await subscription.close()

    async def _changes(self, claims: Claims, uri: str, changed: Callable[[], None]) -> Closing:
        """Calls `changed` whenever the bus says that the resource has."""
        kind, entity_id = kind_of(uri)

        async def heard(received: Received) -> None:
            if kind.concerns(received, entity_id):
                changed()

        return await self._gateway.bus.subscribe(kind.subject(claims, entity_id), heard)

    async def listen(self, context: Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        """A client of 2026-07-28 listens until it goes, or the gateway stops. What it may not read it is not told of."""
        if len(self._streams) >= self._gateway.settings.mcp_sessions:
            raise MCPError(INTERNAL_ERROR, "As many clients listen as may. Ask again later, or poll.")
        own = _Own(self, key_hash_of(context))
        stream = ListenHandler(own)
        self._streams.add(stream)
        wishes, claims = params.notifications, claims_of(context)
        try:
            async with AsyncExitStack() as stack:
                uris = [uri for uri in dict.fromkeys(wishes.resource_subscriptions or ()) if await self._readable(claims, uri)]
                for uri in uris[:MAX_WATCHED]:
                    changes = await self._changes(claims, uri, partial(own.tell, ResourceUpdated(uri)))
                    stack.push_async_callback(changes.close)
                honoured = wishes.model_copy(update={"resource_subscriptions": uris[:MAX_WATCHED]})
                return await stream(context, params.model_copy(update={"notifications": honoured}))
        finally:
            self._streams.discard(stream)

    async def _readable(self, claims: Claims, uri: str) -> bool:
        try:
            await require_readable(self._gateway, claims, uri)
        except HiveError:
            return False
        return True

    def publish(self, event: ServerEvent, tenant: str | None = None) -> None:
        """To those of one tenant, or to all."""
        for client in self._clients:
            if self._may_hear(client.key_hash, tenant):
                client.tell(event)
        for listener in list(self._listeners.values()):
            listener(event, tenant)

    def _may_hear(self, key_hash: str, tenant: str | None) -> bool:
        claims = self._gateway.identity.held(key_hash)
        return claims is not None and tenant in (None, claims.tenant)

    def subscribe(self, key_hash: str, listener: Callable[[ServerEvent], None]) -> tuple[Hear, Callable[[], None]]:
        """What tells the listener, as long as its key holds, and what ends that."""
        token = object()

        def heard(event: ServerEvent, tenant: str | None = None) -> None:
            if self._may_hear(key_hash, tenant):
                listener(event)

        self._listeners[token] = heard

        def forget() -> None:
            self._listeners.pop(token, None)

        return heard, forget

    async def _noticed(self, received: Received) -> None:
        notice = received.decode(WorkflowNotice)
        if notice.stop_execution is None and not notice.mcp_servers:
            self.publish(ToolsListChanged(), notice.tenant)


class _Own:
    """The feed as one listener has it: the package's SubscriptionBus."""

    def __init__(self, feed: Feed, key_hash: str) -> None:
        self._feed, self._key_hash = feed, key_hash
        self._tell: Hear | None = None

    def tell(self, event: ServerEvent) -> None:
        """What is for this listener alone."""
        if self._tell is not None:
            self._tell(event)

    async def publish(self, event: ServerEvent) -> None:
        self._feed.publish(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        self._tell, forget = self._feed.subscribe(self._key_hash, listener)
        return forget


def _too_many() -> InvalidRequest:
    return InvalidRequest(f"A client watches {MAX_WATCHED} resources at most. Let some go first.")
