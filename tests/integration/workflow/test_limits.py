"""`maxConcurrency`: how many executions of a workflow run at once, over all engines, and that what waits for them is in nobody's way."""

import asyncio
from pathlib import Path

import pytest

from bus.errors import InvalidWorkflow
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_other_workflows import stop
from tests.integration.workflow.test_takeover import ALLOW, request
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer
from workflow.n8n.parse import parse

START = node("Start", "manualTrigger")
FEW = {"HIVE_WORKFLOW_RUNNING": "3", **ALLOW}


async def a_while(_: str) -> None:
    """So that calls that may meet do."""
    await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_no_more_run_at_once_than_may_on_all_engines_and_a_killed_one_leaves_its_places(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    patient = {**FEW, "HIVE_WORKFLOW_LEASE_SECONDS": "15"}  # only the one that is killed is to be taken for dead
    async with Witness(a_while) as witness:
        with (
            EngineProcess(nats_server, tmp_path, database_url, "one", **patient) as one,
            EngineProcess(nats_server, tmp_path, database_url, "two", **patient) as two,
        ):
            await one.ready(nats_bus)
            await two.ready(nats_bus)
            limited = await workflows.create(chain(START, request("One", witness.url), settings={"maxConcurrency": 2}))
            witness.hold.clear()
            begun = [(await workflows.execute(limited.id)).id for _ in range(12)]
            await witness.heard(2)
            free = await workflows.create(chain(START, node("Next", "noOp")))
            assert (await workflows.execute(free.id, wait=30)).status == "success", "what waits keeps nobody out"
            assert len(witness.keys) == 2
            one.kill()
            witness.hold.set()
            for each in begun:
                assert (await workflows.ended(each)).status == "success"
        assert witness.most == 2
        assert len(witness.keys) == 12


async def test_what_waits_for_a_place_can_be_stopped(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    async with Witness() as witness:
        witness.hold.clear()
        with EngineProcess(nats_server, tmp_path, database_url, **FEW) as engine:
            await engine.ready(nats_bus)
            limited = await workflows.create(chain(START, request("One", witness.url), settings={"maxConcurrency": 1}))
            await workflows.execute(limited.id)
            waits = await workflows.execute(limited.id)
            await witness.heard(1)
            assert (await stop(nats_bus, waits.id)).status == "canceled"
            assert len(witness.keys) == 1


@pytest.mark.parametrize("most", [0, "2", True, 1.5])
def test_a_limit_that_is_none_is_refused(most: object) -> None:
    with pytest.raises(InvalidWorkflow, match="maxConcurrency"):
        parse(chain(START, settings={"maxConcurrency": most}))
