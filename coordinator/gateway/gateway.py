"""What the doors have in common: made once a process, and handed to every route."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from bus import subjects
from bus.auditing.attempts import told_attempt
from bus.client import Bus
from bus.guarding.guard import Guard
from bus.limits.counting import Counting
from bus.limits.limits import Limits
from bus.messages import AgentRecord, Claims
from bus.messages.aliases import ModelAlias
from bus.mirror import Mirror
from bus.open_sockets import OpenSockets
from bus.overview import Overview
from bus.quotas import Quotas
from coordinator.gateway.aliases import Aliases
from coordinator.gateway.identity import Identity
from coordinator.gateway.live.hub import Hub
from coordinator.gateway.llm.names import told_of
from coordinator.gateway.metrics import Metrics
from coordinator.gateway.overload import Overload
from coordinator.gateway.places import Places
from coordinator.gateway.settings import GatewaySettings
from coordinator.gateway.submission import Submission
from coordinator.gateway.verified import Verified
from coordinator.gateway.waiting import Waiting
from coordinator.gateway.webhook_bodies import WebhookBodies

LEAVE_SECONDS: Final = 1.0
"""Of the seconds that requests get at the end: for a last word to those who are not done."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """`named` are the aliases by their key in the bucket. `stopping` is set when the process has been told to stop: who can go on elsewhere
    where he was does so. `leaving` is set when the seconds that the others get are nearly over.
    """

    bus: Bus
    settings: GatewaySettings
    identity: Identity
    verified: Verified
    overview: Overview
    overload: Overload
    submission: Submission
    waiting: Waiting
    aliases: Aliases
    named: Mirror[ModelAlias]
    places: Places
    webhook_bodies: WebhookBodies
    hub: Hub
    limits: Limits
    guard: Guard
    metrics: Metrics = field(default_factory=Metrics)
    sockets: OpenSockets = field(default_factory=OpenSockets)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    _background: set[asyncio.Task[None]] = field(default_factory=set)

    def hosts(self) -> list[AgentRecord]:
        """Those whose models clients are told of."""
        return told_of(self.overview.agents.items.values(), datetime.now(UTC))

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Goes on when the request that began it is over."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def settle(self) -> None:
        """Waits for what goes on in the background; it has deadlines of its own."""
        if self._background:
            await asyncio.wait(set(self._background))

    def stop(self) -> None:
        self.stopping.set()
        self.waiting.stop()
        asyncio.get_running_loop().call_later(max(0.0, self.settings.stop_seconds - LEAVE_SECONDS), self._leave)

    def _leave(self) -> None:
        self.leaving.set()
        self.waiting.stop()


@asynccontextmanager
async def open_gateway(bus: Bus, settings: GatewaySettings) -> AsyncIterator[Gateway]:
    """A gateway that knows the keys, models and agents of the hive."""
    keys = Mirror(bus, subjects.KV_KEYS, Claims.model_validate_json)
    models = Mirror(bus, subjects.KV_MODELS, bytes.decode)
    named = Mirror(bus, subjects.KV_ALIASES, ModelAlias.model_validate_json)
    overview, verified = Overview(bus), Verified(bus)
    overload = Overload(overview, settings.max_waiting)
    waiting, places, quotas = Waiting(bus), Places(bus), Quotas(bus)
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    guard = Guard(redis_url or None, told=partial(told_attempt, bus.auditor))
    limits = Limits(settings.rate_limits, Counting(redis_url or None))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(limits.close)
        stack.push_async_callback(guard.close)
        for part in (keys, verified, models, named, quotas, overview, waiting, places):
            await part.start()
            stack.push_async_callback(part.close)
        gateway = Gateway(
            bus=bus,
            settings=settings,
            identity=Identity(keys, verified, guard),
            verified=verified,
            guard=guard,
            overview=overview,
            overload=overload,
            submission=Submission(bus, models, quotas, overload, settings.max_body_bytes),
            waiting=waiting,
            aliases=Aliases(bus, named),
            named=named,
            places=places,
            webhook_bodies=WebhookBodies(settings.max_webhook_bytes),
            hub=Hub(bus),
            limits=limits,
        )
        stack.push_async_callback(gateway.settle)
        yield gateway
