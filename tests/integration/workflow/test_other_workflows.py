"""Sub-workflows, error workflows, retries and stops on the durable engine."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bus import subjects
from bus.errors import ExecutionEnded
from bus.messages.workflows import (
    ChangeWorkflow,
    ExecutionRecord,
    ExecutionRef,
    RetryExecution,
    WebhookCall,
    WebhookReply,
    WorkflowRecord,
)
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_takeover import ALLOW, request
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer

STEP = {"mode": "raw", "jsonOutput": '={{ {"seen": $json.n} }}'}


def items(record: ExecutionRecord, name: str) -> list[Any]:
    assert record.data is not None, record.error_message
    return [item["json"] for item in record.data["resultData"]["runData"][name][0]["data"]["main"][0]]


async def test_a_sub_workflow_is_an_execution_of_its_own_and_its_items_come_back(
    engine: EngineProcess, workflows: Workflows
) -> None:
    child = await workflows.create(chain(node("Called", "executeWorkflowTrigger"), node("Step", "set", STEP, 3.4)))
    given = node("Given", "set", {"mode": "raw", "jsonOutput": '{"n": 7}'}, 3.4)
    call = node("Call", "executeWorkflow", {"workflowId": {"__rl": True, "mode": "id", "value": str(child.id)}}, 1.2)
    parent = await workflows.create(chain(node("Start", "manualTrigger"), given, call))
    record = await workflows.execute(parent.id, wait=30)
    assert record.status == "success", record.error_message
    assert items(record, "Call") == [{"seen": 7}]
    (called,) = (await workflows.list(child.id)).executions
    assert (called.mode, called.status) == ("integrated", "success")


async def test_a_production_failure_starts_its_error_workflow_once(
    engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows
) -> None:
    told = await workflows.create(chain(node("Told", "errorTrigger")), active=True)
    stop = node("Break", "stopAndError", {"errorMessage": "it broke"})
    hook = node("Hook", "webhook", {"path": "breaks", "httpMethod": "POST", "responseMode": "lastNode"}, 2)
    broken = await workflows.create(chain(hook, stop, settings={"errorWorkflow": str(told.id)}), active=True)
    verb = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call")
    reply = await nats_bus.request(verb, WebhookCall(path="breaks", method="POST"), WebhookReply, timeout=60)
    assert reply.status == 500
    (failed,) = (await workflows.list(broken.id)).executions
    (begun,) = (await workflows.list(told.id)).executions
    record = await workflows.ended(begun.id)
    assert (record.mode, record.status) == ("error", "success")
    (item,) = items(record, "Told")
    assert item["execution"]["id"] == str(failed.id)
    assert item["execution"]["url"].endswith(f"/api/executions/{failed.id}")
    assert item["execution"]["error"]["message"] == "it broke"
    assert item["execution"]["error"]["node"]["name"] == "Break"


async def test_a_workflow_that_nobody_may_call_is_told_of_its_own_failure(
    engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows
) -> None:
    hook = node("Hook", "webhook", {"path": "own", "httpMethod": "POST", "responseMode": "lastNode"}, 2)
    document = chain(hook, node("Break", "stopAndError", {"errorMessage": "it broke"}), settings={"callerPolicy": "none"})
    document["nodes"].append(node("Told", "errorTrigger"))
    made = await workflows.create(document)
    document["settings"]["errorWorkflow"] = str(made.id)
    verb = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "update")
    await nats_bus.request(verb, ChangeWorkflow(id=made.id, n8n_data=document), WorkflowRecord)
    await workflows.activate(made.id)
    verb = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call")
    reply = await nats_bus.request(verb, WebhookCall(path="own", method="POST"), WebhookReply, timeout=60)
    assert reply.status == 500
    found = (await workflows.list(made.id)).executions
    assert {each.mode for each in found} == {"webhook", "error"}


async def test_a_retry_begins_with_the_node_that_failed(engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows) -> None:
    """What it lacked, a workflow that its document calls by n8n's id, is there by then."""
    given = node("Given", "set", {"mode": "raw", "jsonOutput": '={{ {"n": $now.toMillis()} }}'}, 3.4)
    call = node("Call", "executeWorkflow", {"workflowId": "later"}, 1)
    made = await workflows.create(chain(node("Start", "manualTrigger"), given, call))
    failed = await workflows.execute(made.id, wait=30)
    assert (failed.status, failed.error_message) == (
        "error",
        "There is no workflow 'later'. An id of n8n finds what bus saved; name another's by its id in Hive.",
    )
    child = chain(node("Called", "executeWorkflowTrigger"), node("Step", "set", STEP, 3.4), id="later")
    await workflows.create(child, active=True)
    verb = subjects.service_verb(subjects.SERVICE_EXECUTIONS, "retry")
    again = await nats_bus.request(verb, RetryExecution(id=failed.id, execution_id=uuid4()), ExecutionRecord, timeout=30)
    record = await workflows.ended(again.id)
    assert (record.mode, record.status) == ("retry", "success"), record.error_message
    assert items(record, "Given") == items(failed, "Given"), "what had run is kept, not run again"
    assert items(record, "Call") == [{"seen": items(failed, "Given")[0]["n"]}]


async def test_what_is_stopped_ends_as_canceled_whichever_engine_is_asked_and_wherever_it_waits(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    async with Witness() as witness:
        witness.hold.clear()
        with (
            EngineProcess(nats_server, tmp_path, database_url, "one", **ALLOW) as one,
            EngineProcess(nats_server, tmp_path, database_url, "two", **ALLOW) as two,
        ):
            await one.ready(nats_bus)
            await two.ready(nats_bus)
            long = node("Wait", "wait", {"amount": 1, "unit": "hours"}, 1.1)
            parked = await workflows.create(chain(node("Start", "manualTrigger"), long))
            asking = await workflows.create(chain(node("Start", "manualTrigger"), request("One", witness.url)))
            begun = [(await workflows.execute(made.id)).id for made in (parked, asking) for _ in range(4)]
            await witness.heard(4)
            await until_waiting(workflows, begun[:4])
            for each in begun:
                assert (await stop(nats_bus, each)).status == "canceled"
                assert (await workflows.get(each)).status == "canceled"
            with pytest.raises(ExecutionEnded):
                await stop(nats_bus, begun[0])


async def stop(bus: NatsBus, execution_id: UUID) -> ExecutionRecord:
    verb = subjects.service_verb(subjects.SERVICE_EXECUTIONS, "stop")
    return await bus.request(verb, ExecutionRef(id=execution_id), ExecutionRecord, timeout=30)


async def until_waiting(workflows: Workflows, executions: list[UUID], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while {(await workflows.get(each)).status for each in executions} != {"waiting"}:
            await asyncio.sleep(0.05)
