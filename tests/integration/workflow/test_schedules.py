"""Schedules: each due time is one execution, however many engines look."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow


async def test_with_three_engines_each_second_is_one_execution(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    rule = {"rule": {"interval": [{"field": "seconds", "secondsInterval": 1}]}}
    async with AsyncExitStack() as stack:
        for name in ("one", "two", "three"):
            engine = stack.enter_context(EngineProcess(nats_server, tmp_path, database_url, name))
            await engine.ready(nats_bus)
        made = await workflows.create(chain(node("Every", "scheduleTrigger", rule, 1.2), node("End", "noOp")), active=True)
        async with asyncio.timeout(60):
            while len((await workflows.list(made.id)).executions) < 6:
                await asyncio.sleep(0.1)
        await workflows.activate(made.id, active=False)
        listed = (await workflows.list(made.id)).executions
        times = []
        for each in listed:
            shown = await workflows.ended(each.id)
            assert shown.data is not None
            times.append(shown.data["resultData"]["runData"]["Every"][0]["data"]["main"][0][0]["json"]["timestamp"])
        assert len(times) == len(set(times)), sorted(times)


async def test_a_row_that_cannot_be_fired_holds_up_no_other_and_is_tried_again_later(
    engine: EngineProcess, database_url: str, workflows: Workflows
) -> None:
    rule = {"rule": {"interval": [{"field": "seconds", "secondsInterval": 1}]}}
    document = chain(node("Every", "scheduleTrigger", rule, 1.2), node("End", "noOp"))
    told = await workflows.create(chain(node("Told", "errorTrigger")), active=True)
    telling = {**document, "settings": {**document["settings"], "errorWorkflow": str(told.id)}}
    odd = await workflows.create(telling, active=True)
    refused, well = [await workflows.create(document, active=True) for _ in range(2)]
    database = await asyncpg.connect(database_url)
    await database.execute("UPDATE workflow_schedules SET node = 'Gone' WHERE workflow_id = $1", odd.id)
    await database.execute(f"ALTER TABLE executions ADD CHECK (workflow_id <> '{refused.id}') NOT VALID")
    async with asyncio.timeout(60):
        while any(engine.log.read_text().count(f'"{each.id}"') == 0 for each in (odd, refused)):
            await asyncio.sleep(0.05)
        before = len((await workflows.list(well.id)).executions)
        while len((await workflows.list(well.id)).executions) < before + 3:
            await asyncio.sleep(0.05)
    rows = await database.fetch("SELECT next_due FROM workflow_schedules WHERE workflow_id = ANY($1)", [odd.id, refused.id])
    await database.close()
    assert len(rows) == 2
    assert all(row["next_due"] > datetime.now(UTC) + timedelta(seconds=20) for row in rows)
    failed = [line for line in engine.log.read_text().splitlines() if "schedule_failed" in line]
    assert all(any(str(each.id) in line for line in failed) for each in (odd, refused))
    assert engine.process.poll() is None
    (begun,) = (await workflows.list(told.id)).executions
    shown = await workflows.ended(begun.id)
    assert shown.data is not None
    found = shown.data["resultData"]["runData"]["Told"][0]["data"]["main"][0][0]["json"]
    assert found["trigger"]["error"]["name"] == "WorkflowActivationError"
    assert found["workflow"]["id"] == str(odd.id)
