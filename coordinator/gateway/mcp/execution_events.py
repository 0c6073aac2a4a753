"""What the bus tells of one execution while somebody waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from bus import subjects
from bus.client import Bus, Received
from bus.messages import EventType
from bus.messages.events import WorkflowEvent

_ENDS = (EventType.WORKFLOW_EXECUTION_COMPLETED, EventType.WORKFLOW_EXECUTION_FAILED)


@dataclass(frozen=True, slots=True)
class Heard:
    """`nodes` are names as their runs ended; `ended` is set at the end. An event may be lost: look at the record now and then."""

    nodes: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def within(self, seconds: float) -> None:
        """Returns at the end, or when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self.ended.wait()
        except TimeoutError:
            pass

    @property
    def words(self) -> str:
        return f"ran {self.nodes[-1]}" if self.nodes else "running"


@asynccontextmanager
async def hearing(bus: Bus, tenant: str, execution_id: UUID) -> AsyncIterator[Heard]:
    heard = Heard()

    async def take(received: Received) -> None:
        kind = subjects.event_type(received.subject)
        if kind is EventType.WORKFLOW_NODE_COMPLETED:
            heard.nodes.append(received.decode(WorkflowEvent).data.node or "a node")
        elif kind in _ENDS:
            heard.ended.set()

    subscription = await bus.subscribe(subjects.events("workflow.*", tenant=tenant, entity_id=execution_id), take)
    try:
        yield heard
    finally:
        await subscription.close()
