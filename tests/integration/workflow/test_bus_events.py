"""Events of the bus start workflows: each once with several engines, what came while none ran, and no workflow by its own doing."""

import asyncio
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from bus import subjects
from bus.errors import InvalidWorkflow
from bus.messages import EventType
from bus.messages.events import HiveEvent
from bus.messages.workflows import ExecutionRecord, WorkflowMessage
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_takeover import ALLOW, request
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer
from workflow.running.bus_events import STREAMS

pytestmark = pytest.mark.slow

START = node("Start", "manualTrigger")
UNKEPT = {"saveDataSuccessExecution": "none"}
"""The record does not tell that it ran, so a second one of the same id would run again."""
READING = "FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"


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
    patient = {
        **ALLOW,
        "HIVE_WORKFLOW_LEASE_SECONDS": "30",
    }  # an engine that a busy machine leaves standing is no dead one here
    async with Witness() as witness:
        with (
            EngineProcess(nats_server, tmp_path, database_url, "one", **patient) as one,
            EngineProcess(nats_server, tmp_path, database_url, "two", **patient) as two,
        ):
            await one.ready(nats_bus)
            await two.ready(nats_bus)
            paid = await workflows.create(chain(trigger(name="order.*"), request("Called", witness.url)), active=True)
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
        assert sorted(witness.keys.values()) == [1] * 5


async def test_an_engine_whose_session_broke_reads_no_more_beside_the_one_that_took_its_place(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    """The second one is held up, so that whatever the first one would read without its place has ended before the second reads it."""
    patient = {**ALLOW, "HIVE_WORKFLOW_LEASE_SECONDS": "30"}
    async with Witness() as witness, asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        with EngineProcess(nats_server, tmp_path, database_url, "one", **patient) as one:
            await one.ready(nats_bus)
            await workflows.create(
                chain(trigger(name="paid"), request("Called", witness.url), settings=UNKEPT),
                active=True,
            )
            await tell(nats_bus, "paid")
            await witness.heard(1)
            with EngineProcess(nats_server, tmp_path, database_url, "two", **patient) as two:
                await two.ready(nats_bus)
                await pool.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM (SELECT DISTINCT pid {READING}) AS its")
                async with asyncio.timeout(60):
                    while readers(one) + readers(two) < 2 * len(STREAMS):
                        await asyncio.sleep(0.02)
                two.process.send_signal(signal.SIGSTOP)
                try:
                    for _ in range(5):
                        await tell(nats_bus, "paid")
                    with suppress(TimeoutError):
                        await witness.heard(6, seconds=3)
                finally:
                    two.process.send_signal(signal.SIGCONT)
                await witness.heard(6)
                one.kill()
                for count in (7, 8):  # by then the second one has taken all that came before
                    await tell(nats_bus, "paid")
                    await witness.heard(count)
        assert sorted(witness.keys.values()) == [1] * 8


async def test_what_cannot_be_read_or_saved_is_passed_over_and_ends_nothing(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    """Events that anybody on the bus may publish, and a stored workflow that a later version refuses."""
    with EngineProcess(nats_server, tmp_path, database_url, "first") as first:
        await first.ready(nats_bus)
        made = await workflows.create(chain(trigger(event="workflow.message", name="late")), active=True)
        broken = await workflows.create(chain(trigger(event="workflow.message", name="late")), active=True)
        await workflows.create(chain(trigger(event="workflow.message", name="deep")), active=True)
        await tell(nats_bus, "late")
        await executions(workflows, made.id, 1)
        first.kill()
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE workflow_versions SET n8n_data = '{\"nodes\": 7}' WHERE workflow_id = $1", broken.id)
    await connection.close()
    subject = subjects.event("default", EventType.WORKFLOW_MESSAGE, uuid4())
    deep = [json_of("deep", "[" * depth + "]" * depth) for depth in range(940, 1000, 3)]
    poison = (b"[" * 100_000, b"no json", b"7", *deep)
    for number, data in enumerate(poison):
        await nats_bus.publish_durable(subject, data, message_id=f"poison {number}")
    await tell(nats_bus, "late")
    with EngineProcess(nats_server, tmp_path, database_url, "second") as second:
        await second.ready(nats_bus)
        await executions(workflows, made.id, 2)
        await tell(nats_bus, "late")
        await executions(workflows, made.id, 3)
        log = second.log.read_text()
        assert log.count("engine_ready") == 1
        assert log.count("event_unreadable") >= 2
        assert log.count("event_not_taken") >= 1, "it nests too deep to be stored"


async def test_what_is_more_than_may_wait_in_memory_waits_in_the_record(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    async with Witness() as witness, asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        with EngineProcess(nats_server, tmp_path, database_url, **ALLOW, HIVE_WORKFLOW_RUNNING="2") as engine:
            await engine.ready(nats_bus)
            await workflows.create(chain(trigger(name="many"), request("Called", witness.url), settings=UNKEPT), active=True)
            witness.hold.clear()
            for _ in range(130):
                await tell(nats_bus, "many")
            async with asyncio.timeout(60):
                while await pool.fetchval("SELECT count(*) FROM executions WHERE owner IS NULL") < 28:
                    await asyncio.sleep(0.02)
            assert len(witness.keys) == 2
            witness.hold.set()
            await witness.heard(130)
        assert set(witness.keys.values()) == {1}


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
    """Nor by what it calls, whose executions are another workflow's."""
    child = await workflows.create(chain(node("Called", "executeWorkflowTrigger")), active=True)
    call = node("Call", "executeWorkflow", {"workflowId": {"__rl": True, "mode": "id", "value": str(child.id)}}, 1.2)
    watching = await workflows.create(chain(trigger(event="workflow.execution_*"), call), active=True)
    watched = await workflows.create(chain(START))
    for _ in range(3):
        await workflows.execute(watched.id, wait=30)
    await executions(workflows, watching.id, 6)
    await workflows.execute(watched.id, wait=30)  # by then the ends of what was called have been read
    records = await executions(workflows, watching.id, 8)
    kinds = sorted(heard(each)["type"] for each in records)
    assert kinds == ["workflow.execution_completed"] * 4 + ["workflow.execution_started"] * 4
    assert {each.status for each in records} == {"success"}


async def test_an_event_that_there_is_not_is_refused_when_it_is_activated(engine: EngineProcess, workflows: Workflows) -> None:
    made = await workflows.create(chain(trigger(event="task.exploded")))
    with pytest.raises(InvalidWorkflow, match=r"task\.exploded"):
        await workflows.activate(made.id)


def readers(engine: EngineProcess) -> int:
    """How often it began to read a stream."""
    return engine.log.read_text().count("event_triggers_reading")


def json_of(name: str, payload: str) -> bytes:
    return b'{"id": "%s", "data": {"name": "%s", "payload": %s}}' % (uuid4().hex.encode(), name.encode(), payload.encode())


async def tell(bus: NatsBus, name: str) -> None:
    message = WorkflowMessage(name=name, execution_id=uuid4(), owner="somebody")
    kind = EventType.WORKFLOW_MESSAGE
    event = HiveEvent[WorkflowMessage](id=uuid4().hex, type=kind, source="test", timestamp=datetime.now(UTC), data=message)
    await bus.publish_durable(subjects.event("default", kind, message.execution_id), event, message_id=event.id)
