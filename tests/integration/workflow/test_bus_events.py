"""Events of the bus start workflows: each once with several engines, what came while none ran, and no workflow by its own doing."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bus import subjects
from bus.errors import InvalidWorkflow
from bus.messages import EventType
from bus.messages.events import HiveEvent
from bus.messages.workflows import ExecutionRecord, WorkflowMessage
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

START = node("Start", "manualTrigger")


def trigger(**parameters: Any) -> dict[str, Any]:
    return {**node("On event", "eventTrigger", parameters), "type": "hive.eventTrigger"}


def publishes(**parameters: Any) -> dict[str, Any]:
    return {**node("Tell", "publishEvent", parameters), "type": "hive.publishEvent"}


async def executions(workflows: Workflows, workflow_id: UUID, count: int, seconds: float = 60) -> list[ExecutionRecord]:
    """Once there are so many, and all have ended."""
    async with asyncio.timeout(seconds):
        while True:
            found = (await workflows.list(workflow_id)).executions
            if len(found) >= count and all(each.status.ended for each in found):
                return [await workflows.get(each.id) for each in found]
            await asyncio.sleep(0.05)


def heard(record: ExecutionRecord) -> dict[str, Any]:
    assert record.data is not None
    (item,) = record.data["resultData"]["runData"]["On event"][0]["data"]["main"][0]
    found: dict[str, Any] = item["json"]
    return found


async def test_what_a_workflow_publishes_starts_those_that_wait_for_it_once_with_two_engines(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    with (
        EngineProcess(nats_server, tmp_path, database_url, "one") as one,
        EngineProcess(nats_server, tmp_path, database_url, "two") as two,
    ):
        await one.ready(nats_bus)
        await two.ready(nats_bus)
        paid = await workflows.create(chain(trigger(name="order.*"), node("Next", "noOp")), active=True)
        other = await workflows.create(chain(trigger(name="invoice.*")), active=True)
        given = node("Given", "set", {"mode": "raw", "jsonOutput": '{"order": 7}'}, 3.4)
        teller = await workflows.create(chain(START, given, publishes(name="={{ 'order.paid' }}")))
        told = [await workflows.execute(teller.id, wait=30) for _ in range(5)]
        assert {each.status for each in told} == {"success"}
        records = await executions(workflows, paid.id, 5)
        assert len(records) == 5
        assert {each.mode for each in records} == {"trigger"}
        events = [heard(each) for each in records]
        assert {event["data"]["execution_id"] for event in events} == {str(each.id) for each in told}
        assert all(event["data"]["payload"] == {"order": 7} for event in events)
        assert all(event["type"] == "workflow.message" for event in events)
        assert not (await workflows.list(other.id)).executions


async def test_what_came_while_no_engine_ran_is_taken_by_the_next(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    with EngineProcess(nats_server, tmp_path, database_url, "first") as first:
        await first.ready(nats_bus)
        made = await workflows.create(chain(trigger(event="workflow.message", name="late")), active=True)
        await tell(nats_bus, "late")
        await executions(workflows, made.id, 1)
        first.kill()
    for _ in range(3):
        await tell(nats_bus, "late")
    with EngineProcess(nats_server, tmp_path, database_url, "second") as second:
        await second.ready(nats_bus)
        assert len(await executions(workflows, made.id, 4)) == 4


async def test_an_end_starts_another_workflow_and_none_by_its_own(engine: EngineProcess, workflows: Workflows) -> None:
    watching = await workflows.create(chain(trigger(event="workflow.execution_*")), active=True)
    watched = await workflows.create(chain(START))
    for _ in range(3):
        await workflows.execute(watched.id, wait=30)
    records = await executions(workflows, watching.id, 6)
    kinds = sorted(heard(each)["type"] for each in records)
    assert kinds == ["workflow.execution_completed"] * 3 + ["workflow.execution_started"] * 3


async def test_an_event_that_there_is_not_is_refused_when_it_is_activated(engine: EngineProcess, workflows: Workflows) -> None:
    made = await workflows.create(chain(trigger(event="task.exploded")))
    with pytest.raises(InvalidWorkflow, match=r"task\.exploded"):
        await workflows.activate(made.id)


async def tell(bus: NatsBus, name: str) -> None:
    message = WorkflowMessage(name=name, execution_id=uuid4(), owner="somebody")
    kind = EventType.WORKFLOW_MESSAGE
    event = HiveEvent[WorkflowMessage](id=uuid4().hex, type=kind, source="test", timestamp=datetime.now(UTC), data=message)
    await bus.publish_durable(subjects.event("default", kind, message.execution_id), event, message_id=event.id)
