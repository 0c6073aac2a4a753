"""What happens in executions, and that a workflow was saved, told to the open pages that show it: one subscription for all, and none while
nobody looks."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from bus import subjects, telemetry
from bus.client import Bus, Closing, Received
from bus.errors import InvalidRequest
from bus.messages import EventType
from bus.messages.events import WorkflowEvent
from bus.messages.workflows import WorkflowChange, WorkflowNotice

logger = telemetry.log(__name__)

Hear = Callable[[EventType, WorkflowChange], None]
Saved = Callable[[], Awaitable[None]]


class Hearing:
    """`hear` is called for the executions of one workflow, in the order of the bus; it must be quick. `saved`: when it was changed."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._by_workflow: dict[UUID, dict[Hear, Saved | None]] = {}
        self._subscriptions: tuple[Closing, ...] = ()
        self._asking: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()

    async def attach(self, workflow_id: UUID, hear: Hear, saved: Saved | None = None) -> None:
        """Whatever is published once this returns is heard."""
        async with self._changing:
            self._by_workflow.setdefault(workflow_id, {})[hear] = saved
            if not self._subscriptions:
                self._subscriptions = (
                    await self._bus.subscribe(subjects.events("workflow.*"), self._take),
                    await self._bus.subscribe(subjects.WORKFLOW_NOTICES, self._notice),
                )

    async def detach(self, workflow_id: UUID, hear: Hear) -> None:
        async with self._changing:
            hearers = self._by_workflow.get(workflow_id, {})
            hearers.pop(hear, None)
            if not hearers:
                self._by_workflow.pop(workflow_id, None)
            if not self._by_workflow:
                subscriptions, self._subscriptions = self._subscriptions, ()
                for each in subscriptions:
                    await each.close()

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

    async def _notice(self, message: Received) -> None:
        """Each page asks by itself: one that waits for its answer keeps no other from hearing."""
        try:
            notice = message.decode(WorkflowNotice)
        except InvalidRequest:
            return
        if notice.workflow_id is None:
            return
        for saved in tuple(self._by_workflow.get(notice.workflow_id, {}).values()):
            if saved is not None:
                task = asyncio.ensure_future(saved())
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
