"""An execution with which each engine dies is given up after a few; what gets further between two deaths, or was only beside it, is not."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from bus import subjects
from bus.errors import DeadlineExceeded
from bus.messages.workflows import ExecuteWorkflow, ExecutionRecord
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_takeover import ALLOW, request
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow


async def execute(bus: NatsBus, workflow_id: UUID) -> UUID:
    """The engine may die before it has answered."""
    wish = ExecuteWorkflow(id=workflow_id, execution_id=uuid4(), wait_seconds=0)
    with suppress(DeadlineExceeded):
        await bus.request(subjects.service_verb(subjects.SERVICE_WORKFLOWS, "execute"), wish, ExecutionRecord, timeout=2)
    return wish.execution_id


async def until_ended(database_url: str, execution_id: UUID, seconds: float = 150) -> None:
    """By the record: for most of the time no engine lives that could answer."""
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(seconds):
            while await connection.fetchval("SELECT completed_at FROM executions WHERE id = $1", execution_id) is None:
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def test_what_ends_each_engine_is_given_up_and_what_is_beside_it_ends_well(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    with EngineProcess(nats_server, tmp_path, database_url, HIVE_WORKFLOW_TAKE_UPS="3", **ALLOW) as engine:

        async def kill(_: str) -> None:
            engine.kill()
            engine.restart()

        async with Witness() as beside, Witness(kill) as fatal:
            beside.hold.clear()
            await engine.ready(nats_bus)
            start = node("Start", "manualTrigger")
            long = (await workflows.execute((await workflows.create(chain(start, request("Long", beside.url)))).id)).id
            await beside.heard(1)
            going_on = request("Fatal", fatal.url) | {"onError": "continueRegularOutput"}
            doomed = await workflows.create(chain(start, going_on, node("After", "noOp")))
            begun = await execute(nats_bus, doomed.id)
            await until_ended(database_url, begun)
            await engine.ready(nats_bus)
            record = await workflows.get(begun)
            assert record.status == "error"
            assert record.data is not None
            error = record.data["resultData"]["error"]
            assert (error["code"], error["node"]) == ("engine_died", {"name": "Fatal"})
            assert "died 4 times" in error["message"]
            assert list(fatal.keys.values()) == [4], "it was started once and taken up three times, with its one key"
            beside.hold.set()
            assert (await workflows.ended(long, 120)).status == "success"


async def test_what_gets_further_between_two_deaths_is_never_given_up(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    with EngineProcess(nats_server, tmp_path, database_url, HIVE_WORKFLOW_TAKE_UPS="1", **ALLOW) as engine:
        seen = Counter[str]()

        async def kill_once(key: str) -> None:
            seen[key] += 1
            if seen[key] == 1:
                engine.kill()
                engine.restart()

        async with Witness(kill_once) as witness:
            await engine.ready(nats_bus)
            requests = [request(f"Step {number}", witness.url) for number in range(4)]
            made = await workflows.create(chain(node("Start", "manualTrigger"), *requests))
            begun = await execute(nats_bus, made.id)
            await until_ended(database_url, begun)
            await engine.ready(nats_bus)
            record = await workflows.get(begun)
        assert record.status == "success"
        assert list(seen.values()) == [2, 2, 2, 2]
