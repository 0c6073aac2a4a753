"""What engines tell each other on the bus: a workflow that changed, an execution to stop, other MCP servers."""

from typing import Any
from uuid import UUID

from bus import subjects
from bus.client import Received
from bus.messages.workflows import WorkflowNotice
from bus.nats_bus import NatsBus
from workflow.library.cache import Cache
from workflow.library.library import Library
from workflow.mcp.keeper import Keeper
from workflow.running.engine import Engine


class Notices:
    """`cache` is set before anything changes."""

    cache: Cache

    def __init__(self, bus: NatsBus) -> None:
        self._bus = bus
        self._close: Any = None

    async def listen(self, library: Library, engine: Engine, keeper: Keeper) -> None:
        async def heard(received: Received) -> None:
            notice = received.decode(WorkflowNotice)
            if notice.workflow_id is not None:
                library.forget(notice.workflow_id)
            if notice.stop_execution is not None and (held := engine.held.get(notice.stop_execution)) is not None:
                engine.stop(held)
            if notice.mcp_servers:
                keeper.look()

        self._close = (await self._bus.subscribe(subjects.WORKFLOW_NOTICES, heard)).close

    async def close(self) -> None:
        await self._close()

    async def changed(self, workflow_id: UUID, tenant: str) -> None:
        await self.cache.drop(workflow_id)
        await self._bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice(workflow_id=workflow_id, tenant=tenant))

    async def ready(self) -> None:
        """Doors that asked in vain may ask again."""
        await self._bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice())

    async def mcp_servers(self) -> None:
        await self._bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice(mcp_servers=True))

    async def stop(self, execution_id: UUID) -> None:
        await self._bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice(stop_execution=execution_id))
