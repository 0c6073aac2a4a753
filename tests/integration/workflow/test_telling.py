"""Ends that an engine left untold are told by another: for their own tenant, and with the workflow that began it all."""

import asyncio

import asyncpg
import pytest

from bus.client import Received
from bus.messages.events import WorkflowEvent
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node

pytestmark = pytest.mark.slow


async def test_an_end_that_was_left_untold_is_told_to_its_own_tenant(
    engine: EngineProcess, nats_bus: NatsBus, database_url: str, workflows: Workflows
) -> None:
    heard: asyncio.Queue[Received] = asyncio.Queue()
    subscription = await nats_bus.subscribe("hive.events.theirs.workflow.execution_completed.*", heard.put)
    made = await workflows.create(chain(node("Start", "manualTrigger")))
    ended = await workflows.execute(made.id, wait=30)
    connection = await asyncpg.connect(database_url)
    async with asyncio.timeout(60):
        while not await connection.fetchval("SELECT told FROM executions WHERE id = $1", ended.id):
            await asyncio.sleep(0.05)
        await connection.execute(
            "UPDATE executions SET told = false, completed_at = now() - interval '1 minute',"
            " claims = jsonb_set(claims, '{tenant}', '\"theirs\"') WHERE id = $1",
            ended.id,
        )
        event = (await heard.get()).decode(WorkflowEvent)
    await connection.close()
    await subscription.close()
    assert (event.data.execution_id, event.data.root_workflow_id) == (ended.id, made.id)
