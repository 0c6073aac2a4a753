"""An execution that is tried again: what it has, and where it begins."""

from tests.unit.workflow.build import node, workflow
from workflow.driver import Driver, step
from workflow.events import Begin
from workflow.execution import Mode, Status
from workflow.graph import plan
from workflow.starting import again_from_failure


def test_it_begins_with_the_node_that_failed_and_goes_on_with_its_siblings_and_with_what_waited(driver: Driver) -> None:
    """Left fails before Right ran, while the merge waits for both."""
    nodes = (node("Start", "manualTrigger"), node("First", "noOp"), node("Left", "stopAndError", {"errorMessage": "no"}))
    rest = (node("Right", "noOp"), node("Merge", "merge", {"mode": "append", "numberInputs": 2}, version=3))
    links = ["Start → First → Merge", "Start → Left → Merge", "Start → Right → Merge:1"]
    failed = driver.run(workflow(*nodes, *rest, links=links), mode=Mode.CLI)
    assert failed.status is Status.ERROR
    assert "Right" not in failed.runs

    again = again_from_failure(failed, "2", now_ms=0)
    assert again.retry_of == failed.id
    mended = workflow(*nodes[:2], node("Left", "noOp"), *rest, links=links)
    ended, effects = step(plan(mended), driver.interpreter, again, Begin(now_ms=0))
    assert (ended.status, effects) == (Status.SUCCESS, ())
    assert len(ended.runs["First"]) == 1, "what had run is kept"
    assert set(ended.runs) == {"Start", "First", "Left", "Right", "Merge"}
