"""A workflow runs with the rights of the key that it was saved with, and so not at all once that is revoked."""

import asyncio
from uuid import uuid4

import pytest

from bus import subjects
from bus.errors import PermissionDenied
from bus.messages import Claims, Role
from bus.messages.workflows import ActivateWorkflow, CreateWorkflow, WebhookCall, WebhookReply, WorkflowRecord
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node

KEY = "hash-of-the-key"
EVERY_SECOND = {"rule": {"interval": [{"field": "seconds", "secondsInterval": 1}]}}


@pytest.fixture
async def saver(nats_bus: NatsBus, engine: EngineProcess) -> Claims:
    saver = Claims(sub="anna", roles=(Role.DEVELOPER,), key_id=uuid4())
    await nats_bus.put(subjects.KV_KEYS, KEY, saver)
    return saver


async def save(bus: NatsBus, document: dict[str, object], claims: Claims) -> WorkflowRecord:
    """Saved, and active."""
    create, activate = (subjects.service_verb(subjects.SERVICE_WORKFLOWS, verb) for verb in ("create", "activate"))
    made = await bus.request(create, CreateWorkflow(n8n_data=document), WorkflowRecord, claims=claims)
    return await bus.request(activate, ActivateWorkflow(id=made.id, active=True), WorkflowRecord, claims=claims)


async def call(bus: NatsBus, path: str) -> WebhookReply:
    wish = WebhookCall(method="GET", path=path, wait_seconds=20)
    return await bus.request(subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call"), wish, WebhookReply, timeout=30)


async def refused(bus: NatsBus, path: str, seconds: float = 20) -> None:
    """Until the engine has heard that the key is gone."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                await call(bus, path)
            except PermissionDenied as error:
                told = error.message
                break
    assert "revoked" in told


async def test_its_webhooks_are_refused_and_so_are_calls_of_it_by_others(
    nats_bus: NatsBus, saver: Claims, workflows: Workflows
) -> None:
    hook = node("Hook", "webhook", {"path": "mine", "responseMode": "lastNode"}, 2)
    await save(nats_bus, chain(hook, node("End", "noOp")), saver)
    trigger = node("Called", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1)
    called = await save(nats_bus, chain(trigger, settings={"callerPolicy": "any"}), saver)  # others may, while the key stands
    parent = chain(
        node("Start", "manualTrigger"),
        node("Call", "executeWorkflow", {"workflowId": {"__rl": True, "mode": "id", "value": str(called.id)}}, 1.2),
    )
    caller = await workflows.create(parent)
    assert (await call(nats_bus, "mine")).status == 200
    assert (await workflows.execute(caller.id, wait=20)).status == "success"
    await nats_bus.delete(subjects.KV_KEYS, KEY)
    await refused(nats_bus, "mine")
    failed = await workflows.execute(caller.id, wait=20)
    assert failed.status == "error"
    assert "revoked" in (failed.error_message or "")


@pytest.mark.slow
async def test_its_schedules_are_skipped_until_it_is_saved_with_one_that_holds(
    nats_bus: NatsBus, engine: EngineProcess, saver: Claims, workflows: Workflows
) -> None:
    made = await save(nats_bus, chain(node("Every", "scheduleTrigger", EVERY_SECOND, 1.2), node("End", "noOp")), saver)
    async with asyncio.timeout(20):
        while not (await workflows.list(made.id)).executions:
            await asyncio.sleep(0.05)
    await nats_bus.delete(subjects.KV_KEYS, KEY)
    async with asyncio.timeout(20):
        while engine.log.read_text().count("schedule_skipped") < 1:
            await asyncio.sleep(0.05)
    before = len((await workflows.list(made.id)).executions)
    async with asyncio.timeout(20):
        while engine.log.read_text().count("schedule_skipped") < 4:  # it moves on with its own times
            await asyncio.sleep(0.05)
    assert len((await workflows.list(made.id)).executions) == before
    await nats_bus.put(subjects.KV_KEYS, KEY, saver)
    async with asyncio.timeout(20):
        while len((await workflows.list(made.id)).executions) == before:
            await asyncio.sleep(0.05)
