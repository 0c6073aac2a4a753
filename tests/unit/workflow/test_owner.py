"""Whose isolates evaluate an execution: those of the workflow that it is of, whatever its document claims to be."""

from typing import Any
from uuid import UUID, uuid4

from bus.messages import Claims
from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.execution import Mode
from workflow.core.graph import plan
from workflow.library.library import Plan
from workflow.main import _environment
from workflow.running.engine import Engine
from workflow.running.gate import RunningGate
from workflow.running.held import Origin

CALLER, OTHER = UUID(int=1), UUID(int=2)


def owner(driver: Driver, origin: Origin) -> Any:
    nobody: Any = None
    engine = Engine(nobody, nobody, nobody, driver.interpreter, 1, RunningGate(1, 1, 1), nobody, nobody)
    given = workflow(node("Start", "manualTrigger"), links=[], id=str(OTHER))
    found = Plan(graph=plan(given), origin=origin, active=True, uses_static=False)
    held = engine.prepare(found, uuid4(), mode=Mode.INTEGRATED)
    return _environment("", {})(held.execution)["owner"]


def test_a_workflow_that_is_given_in_a_node_has_the_isolates_of_who_calls_it(driver: Driver) -> None:
    """A document with the id of another's workflow would else meet what that one has in its isolates, and leave its own there."""
    origin = Origin(workflow_id=CALLER, version=1, claims=Claims(sub="ada", roles=()), document={"id": str(OTHER)})
    assert owner(driver, origin) == str(CALLER)


def test_what_is_of_no_workflow_any_more_has_isolates_of_its_own(driver: Driver) -> None:
    origin = Origin(workflow_id=None, version=1, claims=Claims(sub="ada", roles=()), document={"id": str(OTHER)})
    first, second = owner(driver, origin), owner(driver, origin)
    assert len({first, second, str(OTHER)}) == 3
