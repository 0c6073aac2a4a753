"""Who hears of executions."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

from bus import subjects
from bus.messages import EventType
from bus.messages.events import WorkflowEvent
from bus.messages.workflows import ExecutionStatus, WorkflowChange, WorkflowNotice
from bus.testing import InMemoryBus
from gui.workflows.hearing import Hearing


async def tell(bus: InMemoryBus, workflow_id: UUID, node: str) -> None:
    change = WorkflowChange(
        execution_id=uuid4(),
        workflow_id=workflow_id,
        owner="ada",
        mode="manual",
        status=ExecutionStatus.RUNNING,
        node=node,
    )
    kind = EventType.WORKFLOW_NODE_COMPLETED
    event = WorkflowEvent(id=node, type=kind, source="workflow", timestamp=datetime.now(UTC), data=change)
    await bus.publish(subjects.event("default", kind, change.execution_id), event)
    await bus.flush()


async def test_a_page_hears_of_its_workflow_until_it_leaves() -> None:
    bus, heard = InMemoryBus(), list[str]()
    hearing, mine, other = Hearing(bus), uuid4(), uuid4()

    def hear(kind: EventType, change: WorkflowChange) -> None:
        heard.append(str(change.node))

    await hearing.attach(mine, hear)
    await tell(bus, mine, "first")
    await tell(bus, other, "another's")
    await hearing.detach(mine, hear)
    await tell(bus, mine, "late")
    await hearing.attach(mine, hear)
    await tell(bus, mine, "again")
    assert heard == ["first", "again"]


async def test_a_page_is_told_that_its_workflow_was_saved_until_it_leaves() -> None:
    bus, told = InMemoryBus(), list[str]()
    hearing, mine = Hearing(bus), uuid4()

    def hear(kind: EventType, change: WorkflowChange) -> None:
        raise AssertionError("nothing ran")

    async def saved() -> None:
        told.append("saved")

    async def notice(**about: UUID) -> None:
        await bus.publish(subjects.WORKFLOW_NOTICES, WorkflowNotice(**about))
        await bus.flush()
        await asyncio.sleep(0)  # each page asks in a task of its own, which begins now

    await hearing.attach(mine, hear, saved)
    await notice(workflow_id=uuid4())
    await notice(stop_execution=mine)
    assert told == []
    await notice(workflow_id=mine)
    assert told == ["saved"]
    await hearing.detach(mine, hear)
    await notice(workflow_id=mine)
    assert told == ["saved"]
