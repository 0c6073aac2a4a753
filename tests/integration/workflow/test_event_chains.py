"""Workflows that start each other by events come to an end, which is said where it ends."""

import asyncio
from pathlib import Path

import pytest

from bus.messages.workflows import ExecutionRecord
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_bus_events import executions, heard, publishes, trigger
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

MOST = {"HIVE_WORKFLOW_EVENT_CHAIN": "3"}
START = node("Start", "manualTrigger")
END = node("End", "noOp")


async def test_two_workflows_that_publish_what_starts_the_other_end_at_the_node_that_publishes(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    with EngineProcess(nats_server, tmp_path, database_url, **MOST) as engine:
        await engine.ready(nats_bus)
        ping = await workflows.create(chain(trigger(name="ping"), publishes(name="pong")), active=True)
        pong = await workflows.create(chain(trigger(name="pong"), publishes(name="ping")), active=True)
        first = await workflows.create(chain(START, publishes(name="ping")))
        assert (await workflows.execute(first.id, wait=60)).status == "success"
        records = by_chain(await executions(workflows, ping.id, 2))
        (between,) = await executions(workflows, pong.id, 1)
    assert {number: each.status for number, each in records.items()} == {0: "success", 2: "error"}
    assert heard(between)["data"]["chain"] == 1
    failed = records[2]
    assert failed.error_message is not None
    assert "HIVE_WORKFLOW_EVENT_CHAIN" in failed.error_message
    assert failed.data is not None
    error = failed.data["resultData"]["runData"]["Tell"][0]["error"]
    assert (error["code"], error["node"]["name"]) == ("events_too_deep", "Tell")


async def test_what_the_workflow_calls_is_as_far_in_the_chain_as_its_caller(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    with EngineProcess(nats_server, tmp_path, database_url, HIVE_WORKFLOW_EVENT_CHAIN="1") as engine:
        await engine.ready(nats_bus)
        child = await workflows.create(chain(node("Sub", "executeWorkflowTrigger"), publishes(name="pong")), active=True)
        call = node("Call", "executeWorkflow", {"workflowId": {"__rl": True, "mode": "id", "value": str(child.id)}}, 1.2)
        caller = await workflows.create(chain(trigger(name="ping"), call), active=True)
        first = await workflows.create(chain(START, publishes(name="ping")))
        await workflows.execute(first.id, wait=60)
        (record,) = await executions(workflows, caller.id, 1)
        assert record.status == "error"
        assert "HIVE_WORKFLOW_EVENT_CHAIN" in str(record.error_message)
        by_hand = await workflows.create(chain(START, call))
        assert (await workflows.execute(by_hand.id, wait=60)).status == "success"


async def test_two_workflows_that_hear_of_each_other_s_ends_come_to_one(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    """Neither publishes, so it is the start that is refused, with a line in the log."""
    with EngineProcess(nats_server, tmp_path, database_url, **MOST) as engine:
        await engine.ready(nats_bus)
        both = [await workflows.create(chain(trigger(event="workflow.execution_completed"), END), active=True) for _ in "ab"]
        first = await workflows.create(chain(START, END))
        await workflows.execute(first.id, wait=60)
        async with asyncio.timeout(60):
            while engine.log.read_text().count("EventsTooDeep") < 2:
                await asyncio.sleep(0.05)
        for each in both:
            assert sorted(by_chain(await executions(workflows, each.id, 3))) == [0, 1, 2]


def by_chain(records: list[ExecutionRecord]) -> dict[int, ExecutionRecord]:
    found = {int(heard(each)["data"]["chain"]): each for each in records}
    assert len(found) == len(records), "each of them is at another place"
    return found
