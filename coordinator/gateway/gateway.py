"""What the doors have in common: made once a process, and handed to every route."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from bus import subjects
from bus.client import Bus
from bus.messages import Claims
from bus.mirror import Mirror
from bus.overview import Overview
from coordinator.gateway.attempts import Attempts
from coordinator.gateway.identity import Identity
from coordinator.gateway.metrics import Metrics
from coordinator.gateway.overload import Overload
from coordinator.gateway.settings import GatewaySettings
from coordinator.gateway.submission import Submission
from coordinator.gateway.waiting import Waiting


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """`stopping` is set when the process has been told to stop: streams then end by themselves."""

    bus: Bus
    settings: GatewaySettings
    identity: Identity
    overview: Overview
    overload: Overload
    submission: Submission
    waiting: Waiting
    joins: Attempts = field(default_factory=Attempts)
    metrics: Metrics = field(default_factory=Metrics)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self.stopping.set()
        self.waiting.stop()


@asynccontextmanager
async def open_gateway(bus: Bus, settings: GatewaySettings) -> AsyncIterator[Gateway]:
    """A gateway that knows the keys, models and agents of the hive."""
    keys = Mirror(bus, subjects.KV_KEYS, Claims.model_validate_json)
    models = Mirror(bus, subjects.KV_MODELS, bytes.decode)
    overview = Overview(bus)
    overload = Overload(overview, settings.max_waiting)
    waiting = Waiting(bus)
    async with AsyncExitStack() as stack:
        for part in (keys, models, overview, waiting):
            await part.start()
            stack.push_async_callback(part.close)
        yield Gateway(
            bus=bus,
            settings=settings,
            identity=Identity(keys),
            overview=overview,
            overload=overload,
            submission=Submission(bus, models, overload, settings.max_body_bytes),
            waiting=waiting,
        )
