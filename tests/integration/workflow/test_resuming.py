"""Calls of resume URLs that come while an execution is taken up or let go of: what was answered is not lost."""

import asyncio
from uuid import UUID

from bus import subjects
from bus.errors import ExecutionNotWaiting
from bus.messages.workflows import ResumeCall, WebhookReply
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node

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
        if not answered:  # it came while the other had it
            answered = await resume(nats_bus, each, "POST")
        assert answered == 200
    for each in begun:
        assert (await workflows.ended(each)).status == "success"
