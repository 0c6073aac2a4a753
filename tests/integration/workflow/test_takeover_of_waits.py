"""What a killed engine kept in its memory: short waits, and executions that others wait for."""

from pathlib import Path

import pytest

from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_takeover import ALLOW, request
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_wait_that_was_too_short_to_be_let_go_of_ends_elsewhere(
    end: str, nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    with EngineProcess(nats_server, tmp_path, database_url, "first") as first:
        await first.ready(nats_bus)
        short = node("Short", "wait", {"amount": 4.9, "unit": "seconds"}, 1.1)
        made = await workflows.create(chain(node("Start", "manualTrigger"), short))
        begun = await workflows.execute(made.id)
        await workflows.with_status(begun.id, "waiting")
        getattr(first, end)()
    with EngineProcess(nats_server, tmp_path, database_url, "second") as second:
        await second.ready(nats_bus)
        assert (await workflows.ended(begun.id)).status == "success"


async def test_an_engine_that_is_full_of_callers_takes_up_what_they_wait_for(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    """There is room for one execution, and the caller, which was there first, has it."""
    async with Witness() as witness:
        witness.hold.clear()
        with EngineProcess(nats_server, tmp_path, database_url, "first", **ALLOW) as first:
            await first.ready(nats_bus)
            child = await workflows.create(chain(node("Called", "executeWorkflowTrigger"), request("One", witness.url)))
            call = node("Call", "executeWorkflow", {"workflowId": {"__rl": True, "mode": "id", "value": str(child.id)}}, 1.2)
            parent = await workflows.create(chain(node("Start", "manualTrigger"), call))
            begun = await workflows.execute(parent.id)
            await witness.heard(1)
            first.kill()
        witness.hold.set()
        with EngineProcess(nats_server, tmp_path, database_url, "second", **ALLOW, HIVE_WORKFLOW_RUNNING="1") as second:
            await second.ready(nats_bus)
            assert (await workflows.ended(begun.id)).status == "success"
        assert set(witness.keys.values()) == {2}, "the request in flight came again, with its key"
