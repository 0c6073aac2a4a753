"""What happens in executions, told to the open pages that show them: one subscription for all, and none while nobody looks."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from bus import subjects, telemetry
from bus.client import Bus, Closing, Received
from bus.errors import InvalidRequest
from bus.messages import EventType
from bus.messages.events import WorkflowEvent
from bus.messages.workflows import WorkflowChange

logger = telemetry.log(__name__)

Hear = Callable[[EventType, WorkflowChange], None]


class Hearing:
    """`hear` is called for the executions of one workflow, in the order of the bus; it must be quick."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._by_workflow: dict[UUID, set[Hear]] = {}
        self._subscription: Closing | None = None
        self._changing = asyncio.Lock()

    async def attach(self, workflow_id: UUID, hear: Hear) -> None:
        """Whatever is published once this returns is heard."""
        async with self._changing:
            self._by_workflow.setdefault(workflow_id, set()).add(hear)
            if self._subscription is None:
                self._subscription = await self._bus.subscribe(subjects.events("workflow.*"), self._take)

    async def detach(self, workflow_id: UUID, hear: Hear) -> None:
        async with self._changing:
            hearers = self._by_workflow.get(workflow_id, set())
            hearers.discard(hear)
            if not hearers:
                self._by_workflow.pop(workflow_id, None)
            if not self._by_workflow and self._subscription is not None:
                subscription, self._subscription = self._subscription, None
                await subscription.close()

    async def _take(self, message: Received) -> None:
        if subjects.event_type(message.subject) is EventType.WORKFLOW_MESSAGE:
            return
        try:
            event = message.decode(WorkflowEvent)
        except InvalidRequest as error:
            logger.warning("not_understood", subject=message.subject, problem=error.message)
            return
        if event.data.workflow_id is not None:
            for hear in tuple(self._by_workflow.get(event.data.workflow_id, ())):
                hear(event.type, event.data)
