"""Calls of resume URLs that come while an execution is taken up or let go of: what was answered is not lost."""

import asyncio
from pathlib import Path
from uuid import UUID

from bus import subjects
from bus.errors import ExecutionNotWaiting
from bus.messages.workflows import ResumeCall, WebhookReply
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer

EXECUTIONS = 30


async def resume(bus: NatsBus, execution_id: UUID, method: str) -> int:
    """The status of the answer; 0 for a call that the execution does not wait for."""
    verb = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "resume")
    try:
        return (await bus.request(verb, ResumeCall(id=execution_id, path="", method=method), WebhookReply, timeout=30)).status
    except ExecutionNotWaiting:
        return 0


async def test_a_call_that_was_answered_counts_though_another_came_for_nothing_just_before(
    engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows
) -> None:
    """The one for nothing takes the execution up, and lets go of it again while the right one comes."""
    wait = node("Wait", "wait", {"resume": "webhook", "httpMethod": "POST"}, 1.1)
    made = await workflows.create(chain(node("Start", "manualTrigger"), wait, node("End", "noOp")))
    begun = [(await workflows.execute(made.id)).id for _ in range(EXECUTIONS)]
    for number, each in enumerate(begun):
        await workflows.with_status(each, "waiting")
        wrong = asyncio.create_task(resume(nats_bus, each, "GET"))
        await asyncio.sleep(number * 0.0005)  # so that the two meet in one place after another
        answered = await resume(nats_bus, each, "POST")
        await wrong
        assert answered == 200, "also where it came while the other had it"
    for each in begun:
        assert (await workflows.ended(each)).status == "success"


async def test_a_called_one_that_waits_for_a_call_goes_on_though_its_caller_has_all_the_room(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    with EngineProcess(nats_server, tmp_path, database_url, HIVE_WORKFLOW_RUNNING="1") as engine:
        await engine.ready(nats_bus)
        wait = node("Wait", "wait", {"resume": "webhook", "httpMethod": "POST"}, 1.1)
        child = await workflows.create(chain(node("Called", "executeWorkflowTrigger"), wait))
        call = node("Call", "executeWorkflow", {"workflowId": {"__rl": True, "mode": "id", "value": str(child.id)}}, 1.2)
        parent = await workflows.create(chain(node("Start", "manualTrigger"), call))
        begun = await workflows.execute(parent.id)
        async with asyncio.timeout(60):
            while not (found := (await workflows.list(child.id)).executions):
                await asyncio.sleep(0.02)
        await workflows.with_status(found[0].id, "waiting")
        assert await resume(nats_bus, found[0].id, "GET") == 0, "and one for nothing leaves it as it was"
        assert await resume(nats_bus, found[0].id, "POST") == 200
        assert (await workflows.ended(begun.id, seconds=30)).status == "success"
