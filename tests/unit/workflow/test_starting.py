"""An execution that is tried again: what it has, and where it begins."""

import pytest

from bus.errors import Conflict
from tests.unit.workflow.build import code, node, workflow
from workflow.core.again import again_from, again_from_failure
from workflow.core.driver import Driver, step
from workflow.core.events import Begin
from workflow.core.execution import Execution, Mode, Status
from workflow.core.graph import plan
from workflow.n8n.document import Workflow


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


def again(driver: Driver, wanted: Workflow, before: Execution, name: str) -> Execution:
    ended, effects = step(plan(wanted), driver.interpreter, again_from(before, "2", 0, name), Begin(now_ms=0))
    assert effects == ()
    return ended


def order(execution: Execution) -> list[str]:
    return [run.node for run in sorted((run for runs in execution.runs.values() for run in runs), key=lambda run: run.index)]


LINKS = ["Start → Gen → Left → Merge", "Gen → Right → Merge:1", "Merge → End"]
NODES = (
    node("Start", "manualTrigger", position=[0, 0]),
    code("Gen", "return [{json: {n: 1}}]", position=[1, 0]),
    node("Left", "noOp", position=[2, 0]),
    node("Right", "noOp", position=[2, 10]),
    node("Merge", "merge", {"mode": "append", "numberInputs": 2}, version=3, position=[3, 0]),
    node("End", "noOp", position=[4, 0]),
)


@pytest.mark.parametrize("name", ["Start", "Gen", "Left", "Right", "Merge", "End"])
def test_from_any_node_it_comes_to_the_same_end_in_the_same_order(name: str, driver: Driver) -> None:
    wanted = workflow(*NODES, links=LINKS)
    whole = driver.run(wanted)
    kept = order(whole)[: order(whole).index(name)]
    repeated = again(driver, wanted, whole, name)
    assert repeated.status is Status.SUCCESS
    assert order(repeated) == order(whole)
    assert [items for runs in repeated.runs.values() for run in runs for items in run.outputs or ()] == [
        items for runs in whole.runs.values() for run in runs for items in run.outputs or ()
    ]
    assert all(repeated.runs[each] == whole.runs[each] for each in kept), "what ran before is not run again"


def test_a_changed_node_changes_what_follows_it_alone(driver: Driver) -> None:
    whole = driver.run(workflow(*NODES, links=LINKS))
    changed = code("Right", "return [{json: {n: 2}}]", position=[2, 10])
    repeated = again(driver, workflow(*NODES[:3], changed, *NODES[4:], links=LINKS), whole, "Right")
    assert [item["json"] for item in (repeated.runs["End"][0].outputs or [[]])[0] or ()] == [{"n": 1}, {"n": 2}]


def test_the_failed_one_goes_on_from_an_earlier_node_too(driver: Driver) -> None:
    failing = (*NODES[:3], node("Right", "stopAndError", {"errorMessage": "no"}, position=[2, 10]), *NODES[4:])
    failed = driver.run(workflow(*failing, links=LINKS), mode=Mode.CLI)
    assert failed.status is Status.ERROR
    wanted = workflow(*NODES, links=LINKS)
    assert order(again(driver, wanted, failed, "Left")) == ["Start", "Gen", "Left", "Right", "Merge", "End"]


def test_what_did_not_run_or_is_amid_a_loop_is_refused(driver: Driver) -> None:
    loop = node("Loop", "splitInBatches", {"batchSize": 1}, version=3)
    nodes = (NODES[0], code("Gen", "return [{json: {n: 1}}, {json: {n: 2}}]"), loop, node("In", "noOp"), node("End", "noOp"))
    wanted = workflow(*nodes, links=["Start → Gen → Loop → End", "Loop:1 → In → Loop"])
    whole = driver.run(wanted)
    with pytest.raises(Conflict, match="did not run"):
        again_from(whole, "2", 0, "Elsewhere")
    with pytest.raises(Conflict, match="amid its rounds"):
        again_from(whole, "2", 0, "In")
    assert order(again(driver, wanted, whole, "Gen")) == order(whole)
    assert order(again(driver, wanted, whole, "End")) == order(whole)
