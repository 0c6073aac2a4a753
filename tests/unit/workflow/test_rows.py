"""Executions as rows: what a document or an item says is written, whatever it is."""

from uuid import UUID

import pytest

from bus.messages import Claims
from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver, new_execution, step
from workflow.core.events import Begin
from workflow.core.execution import Mode
from workflow.core.graph import plan
from workflow.core.steps import long_wait
from workflow.running.held import Held, Origin
from workflow.running.rows import pack

NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize("amount", [1_700_000_000_000, 1e30])
def test_a_wait_that_nobody_lives_to_see_is_written(driver: Driver, amount: float) -> None:
    """Milliseconds since 1970, taken for seconds from now, are in the year 55840."""
    wait = node("Wait", "wait", {"amount": amount, "unit": "seconds"}, version=1.1)
    graph = plan(workflow(node("Start", "manualTrigger"), wait, links=["Start → Wait"], settings={"executionTimeout": 1e300}))
    begun = new_execution(graph, driver.interpreter, "1", mode=Mode.TRIGGER, now_ms=NOW_MS)
    waits, _ = step(graph, driver.interpreter, begun, Begin(now_ms=NOW_MS))
    origin = Origin(workflow_id=None, version=1, claims=Claims(sub="ada", roles=()))
    held = Held(id=UUID(int=1), execution=waits, graph=graph, origin=origin)
    wake_ms = long_wait(held, NOW_MS)
    assert wake_ms is not None
    assert pack(held, None, wake_ms).row[18].year == 9999
