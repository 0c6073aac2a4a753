"""Executions by hand, on a real record: what ran is there to read, in n8n's shape."""

import pytest

from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node, recorded
from workflow.running.carrying import MAX_DEPTH


@pytest.mark.parametrize("name", ["transform", "loop-batches", "merge-modes", "switch", "retry"])
async def test_what_n8n_recorded_runs_so_and_can_be_read(name: str, engine: EngineProcess, workflows: Workflows) -> None:
    made = await workflows.create(recorded(f"cases/{name}"))
    record = await workflows.execute(made.id, wait=60)
    expected = recorded(f"expected/{name}")
    assert record.status == expected["status"], record.error_message
    assert record.data is not None
    run_data = record.data["resultData"]["runData"]
    runs = sorted((run["executionIndex"], name) for name, found in run_data.items() for run in found)
    assert [name for _, name in runs] == expected["order"]
    assert record.error_message == expected.get("error")


async def test_a_short_wait_is_waited_for(engine: EngineProcess, workflows: Workflows) -> None:
    wait = node("Wait", "wait", {"amount": 0.2, "unit": "seconds"}, 1.1)
    made = await workflows.create(chain(node("Start", "manualTrigger"), wait, node("End", "noOp")))
    record = await workflows.execute(made.id, wait=30)
    assert record.status == "success"
    assert record.data is not None
    assert list(record.data["resultData"]["runData"]) == ["Start", "Wait", "End"]


async def test_a_workflow_that_calls_itself_ends(engine: EngineProcess, workflows: Workflows) -> None:
    itself = {"workflowId": {"__rl": True, "mode": "id", "value": "calls-itself"}}
    called = node("Called", "executeWorkflowTrigger", {"inputSource": "passthrough"}, 1.1)
    made = await workflows.create(chain(called, node("Call", "executeWorkflow", itself, 1.2), id="calls-itself"), active=True)
    ended = await workflows.execute(made.id, wait=60)
    assert ended.status == "error"
    assert f"{MAX_DEPTH} workflows called one another" in (ended.error_message or "")
    assert len((await workflows.list(made.id)).executions) == MAX_DEPTH + 1
