"""What an execution does when nodes fail, wait, loop, are disabled or pinned."""

from typing import Any

import pytest

from bus.errors import InvalidWorkflow, WorkflowCycle
from tests.unit.workflow.build import code, node, workflow
from tests.unit.workflow.test_recorded import order
from workflow.core.driver import Driver
from workflow.core.effects import CallWorkflow, Effect
from workflow.core.execution import Execution, Mode, Reply, Status
from workflow.core.failure import Failure
from workflow.core.graph import partial_plan, plan
from workflow.n8n.check import check, check_startable

START = node("Start", "manualTrigger")
THREE = code("Gen", "return [1,2,3].map(i => ({json:{i}}));")


def jsons(execution: Execution, name: str, output: int = 0, run: int = 0) -> list[Any]:
    outputs = execution.runs[name][run].outputs or []
    return [item["json"] for item in (outputs[output] if output < len(outputs) else None) or []]


def test_a_code_node_that_throws_leaves_its_error_as_an_item_where_it_continues(driver: Driver) -> None:
    boom = code("Boom", "throw new Error('no')", onError="continueRegularOutput")
    execution = driver.run(workflow(START, THREE, boom, node("After", "noOp"), links=["Start → Gen → Boom → After"]))
    assert execution.status is Status.SUCCESS
    assert jsons(execution, "After") == [{"error": "no [line 1]"}]


def test_a_result_of_the_wrong_shape_passes_the_input_on_where_it_continues(driver: Driver) -> None:
    boom = code("Boom", "return 5", onError="continueRegularOutput")
    execution = driver.run(workflow(START, THREE, boom, node("After", "noOp"), links=["Start → Gen → Boom → After"]))
    assert execution.status is Status.SUCCESS, "the last node that ran did not throw"
    assert jsons(execution, "After") == [{"i": 1}, {"i": 2}, {"i": 3}]


def test_the_input_of_a_node_that_throws_goes_on_by_its_first_output(driver: Driver) -> None:
    stop = node("Stop", "stopAndError", {"errorMessage": "enough"}, onError="continueErrorOutput")
    execution = driver.run(
        workflow(START, THREE, stop, node("Ok", "noOp"), node("Err", "noOp"), links=["Start → Gen → Stop → Ok", "Stop:1 → Err"])
    )
    assert "Err" not in execution.runs
    assert jsons(execution, "Ok") == [{"i": n} for n in (1, 2, 3)]


def test_an_effect_that_failed_leaves_by_the_error_output(driver: Driver) -> None:
    call = node("Call", "redis", {"operation": "get", "key": "k"}, onError="continueErrorOutput")
    execution = driver.run(
        workflow(START, THREE, call, node("Ok", "noOp"), node("Err", "noOp"), links=["Start → Gen → Call → Ok", "Call:1 → Err"])
    )
    assert "Ok" not in execution.runs
    assert [item["i"] for item in jsons(execution, "Err")] == [1, 2, 3]
    assert all(item["error"] for item in jsons(execution, "Err"))


def test_tries_wait_between_them_and_only_the_last_failure_counts(driver: Driver) -> None:
    flaky = code("Flaky", "throw new Error('try')", retryOnFail=True, maxTries=3, waitBetweenTries=400)
    before = driver.clock_ms
    execution = driver.run(workflow(START, flaky, links=["Start → Flaky"]))
    assert (execution.status, len(execution.runs["Flaky"])) == (Status.ERROR, 1)
    assert driver.clock_ms - before == 800
    assert [effect.key for effect in driver.effects] == ["1.1.1.0.0", "1.1.2.0.0"]


@pytest.mark.parametrize("on_error", ["continueRegularOutput", "continueErrorOutput"])
@pytest.mark.parametrize(("code", "asked", "ends_well"), [("node_failed", 3, True), ("outcome_unknown", 1, False)])
def test_a_node_that_goes_on_after_errors_is_tried_again_before_it_does(
    code: str, asked: int, ends_well: bool, on_error: str, driver: Driver
) -> None:
    replies = [Reply(failure=Failure(message="busy", code=code))] * 2
    keys: list[str] = []

    def carry_out(effect: Effect) -> Reply:
        keys.append(effect.key)
        fine = Reply(value={"status": 200, "headers": {"Content-Type": "application/json"}, "body": '{"ok": true}', "url": "u"})
        return replies.pop() if replies else fine

    driver.carry_out = carry_out
    retried = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 10, "onError": on_error}
    call = node("Call", "httpRequest", {"url": "http://example.com", "options": {}}, version=4.2, **retried)
    nodes = (START, call, node("Ok", "noOp"), node("Err", "noOp"))
    execution = driver.run(workflow(*nodes, links=["Start → Call → Ok", "Call:1 → Err"]))
    assert len(set(keys)) == len(keys) == asked
    assert len(execution.runs["Call"]) == 1
    (left,) = jsons(execution, "Err" if on_error == "continueErrorOutput" and not ends_well else "Ok")
    assert left == {"ok": True} if ends_well else "busy" in str(left["error"])


def test_what_a_node_that_runs_once_leaves_is_paired_by_all_that_came(driver: Driver) -> None:
    """As recorded: it saw the first item, but what passes it, or is counted, is all of its input."""
    once = code("Once", "return [{json: {n: 1}}, {json: {n: 2}}]", executeOnce=True)
    stop = node("Stop", "stopAndError", {"errorMessage": "no"}, executeOnce=True, onError="continueErrorOutput")
    execution = driver.run(workflow(START, THREE, once, stop, links=["Start → Gen → Once", "Gen → Stop"]))
    assert ["pairedItem" in item for item in (execution.runs["Once"][0].outputs or [[]])[0] or ()] == [False, False]
    assert jsons(execution, "Stop") == [{"i": 1}, {"i": 2}, {"i": 3}]


def test_execute_once_sees_the_first_item_alone(driver: Driver) -> None:
    execution = driver.run(workflow(START, THREE, node("Once", "noOp", executeOnce=True), links=["Start → Gen → Once"]))
    assert jsons(execution, "Once") == [{"i": 1}]


def test_always_output_data_goes_on_with_an_empty_item(driver: Driver) -> None:
    empty = code("Empty", "return []", alwaysOutputData=True)
    execution = driver.run(workflow(START, THREE, empty, node("After", "noOp"), links=["Start → Gen → Empty → After"]))
    assert jsons(execution, "After") == [{}]
    assert execution.runs["Empty"][0].outputs == [[{"json": {}, "pairedItem": [{"item": n, "input": 0} for n in range(3)]}]]


@pytest.mark.parametrize(
    ("mode", "expected"), [(Mode.MANUAL, [{"pinned": True}]), (Mode.TRIGGER, [{"i": 1}, {"i": 2}, {"i": 3}])]
)
def test_pinned_data_count_in_manual_runs_only(mode: Mode, expected: list[Any], driver: Driver) -> None:
    pinned = workflow(
        START, THREE, node("After", "noOp"), links=["Start → Gen → After"], pinData={"Gen": [{"json": {"pinned": True}}]}
    )
    assert jsons(driver.run(pinned, mode=mode), "After") == expected


def test_a_merge_waits_for_its_later_input(driver: Driver) -> None:
    late = [node("Slow1", "noOp", position=[400, 500]), node("Slow2", "noOp", position=[600, 500])]
    merge = node("Merge", "merge", version=3, position=[800, 0])
    execution = driver.run(workflow(START, *late, merge, links=["Start → Merge:0", "Start → Slow1 → Slow2 → Merge:1"]))
    assert order(execution) == ["Start", "Slow1", "Slow2", "Merge"]
    assert len(jsons(execution, "Merge")) == 2


def test_a_merge_goes_on_without_an_input_that_cannot_come(driver: Driver) -> None:
    condition = {
        "conditions": {"conditions": [{"leftValue": 1, "rightValue": 2, "operator": {"type": "number", "operation": "equals"}}]}
    }
    branch = node("If", "if", condition, version=2)
    merge = node("Merge", "merge", version=3)
    execution = driver.run(
        workflow(
            START, branch, merge, node("End", "noOp"), links=["Start → If", "If:0 → Merge:0", "If:1 → Merge:1", "Merge → End"]
        )
    )
    assert order(execution) == ["Start", "If", "Merge", "End"]


def test_two_arrivals_at_one_input_make_two_runs(driver: Driver) -> None:
    merge = node("Merge", "merge", version=3, position=[900, 0])
    one, two = node("A", "noOp", position=[300, 0]), node("B", "noOp", position=[300, 200])
    execution = driver.run(
        workflow(START, one, two, merge, links=["Start → A → Merge:0", "Start → B → Merge:0", "Start → Merge:1"])
    )
    assert len(execution.runs["Merge"]) == 2


def test_an_unknown_node_fails_only_when_it_is_reached(driver: Driver) -> None:
    strange = node("Strange", "acme.unheardOf")
    reached = driver.run(workflow(START, strange, links=["Start → Strange"]))
    assert reached.failure is not None
    assert (reached.failure.code, reached.failure.node) == ("unknown_node_type", "Strange")
    assert driver.run(workflow(START, strange, links=[])).status is Status.SUCCESS


def test_a_timeout_ends_it(driver: Driver) -> None:
    slow = workflow(
        START,
        node("Wait", "wait", {"amount": 60}, version=1.1),
        node("After", "noOp"),
        links=["Start → Wait → After"],
        settings={"executionTimeout": 5},
    )
    execution = driver.run(slow)
    assert (execution.status, "After" in execution.runs) == (Status.CANCELED, False)
    assert execution.failure is not None
    assert execution.failure.code == "deadline_exceeded"


def test_a_failed_production_execution_tells_its_error_workflow(driver: Driver) -> None:
    failing = workflow(
        START, code("Boom", "throw new Error('no')"), links=["Start → Boom"], settings={"errorWorkflow": "handler"}
    )
    driver.run(failing, mode=Mode.MANUAL)
    assert driver.told == []
    driver.run(failing, mode=Mode.TRIGGER)
    assert [told.workflow_id for told in driver.told] == ["handler"]
    assert driver.told[0].item["json"]["execution"]["lastNodeExecuted"] == "Boom"


def test_a_cycle_without_a_choice_is_refused_and_one_with_is_not(driver: Driver) -> None:
    endless = workflow(START, node("A", "noOp"), node("B", "noOp"), links=["Start → A → B → A"])
    with pytest.raises(WorkflowCycle, match="A → B → A"):
        check_startable(plan(endless), driver.interpreter.registry)
    assert not check(endless, driver.interpreter.registry).startable
    looping = workflow(START, node("If", "if", version=2), node("B", "noOp"), links=["Start → If → B → If"])
    check_startable(plan(looping), driver.interpreter.registry)


def test_v0_runs_breadth_first(driver: Driver) -> None:
    names = [node(name, "noOp") for name in ("A", "A2", "B", "B2")]
    links = ["Start → A → A2", "Start → B → B2"]
    assert order(driver.run(workflow(START, *names, links=links))) == ["Start", "A", "A2", "B", "B2"]
    assert order(driver.run(workflow(START, *names, links=links, settings={"executionOrder": "v0"}))) == [
        "Start",
        "A",
        "B",
        "A2",
        "B2",
    ]


def test_a_partial_run_keeps_what_is_not_stale() -> None:
    graph = plan(workflow(START, THREE, node("A", "noOp"), node("B", "noOp"), links=["Start → Gen → A → B"]))
    every = frozenset({"Start", "Gen", "A", "B"})
    assert partial_plan(graph, "B", every).starts == ["B"]
    changed = partial_plan(graph, "B", every, frozenset({"Gen"}))
    assert (changed.kept, changed.starts) == (frozenset({"Start"}), ["Gen"])


@pytest.mark.parametrize("mode", ["once", "each"])
def test_a_sub_workflow_gives_what_its_last_node_left(mode: str, driver: Driver) -> None:
    child = workflow(
        node("In", "executeWorkflowTrigger"),
        code("Add", "return $input.all().map(x => ({json:{n: x.json.i + 10}}))"),
        links=["In → Add"],
        active=True,
    )
    driver.workflows = {"child": child}
    call = node("Call", "executeWorkflow", {"workflowId": {"value": "child"}, "mode": mode, "options": {}}, version=1.2)
    execution = driver.run(workflow(START, THREE, call, links=["Start → Gen → Call"]), mode=Mode.TRIGGER)
    assert jsons(execution, "Call") == [{"n": 11}, {"n": 12}, {"n": 13}]


@pytest.mark.parametrize("mode", ["once", "each"])
def test_a_sub_workflow_whose_outcome_is_unknown_is_not_called_again(mode: str, driver: Driver) -> None:
    driver.carry_out = lambda _: Reply(failure=Failure(message="who knows", code="outcome_unknown"))
    request = node("Request", "httpRequest", {"url": "http://a.test/", "options": {}}, version=4.2)
    driver.workflows = {"child": workflow(node("In", "executeWorkflowTrigger"), request, links=["In → Request"])}
    given = {"workflowId": {"value": "child"}, "mode": mode, "options": {}}
    call = node("Call", "executeWorkflow", given, version=1.2, retryOnFail=True)
    execution = driver.run(workflow(START, call, links=["Start → Call"]))
    assert execution.failure is not None
    assert execution.failure.code == "outcome_unknown"
    assert sum(isinstance(effect, CallWorkflow) for effect in driver.effects) == 1


@pytest.mark.parametrize(("setting", "repeatable"), [({}, True), ({"onInterrupt": "outcomeUnknown"}, False)])
def test_a_node_says_whether_its_effects_may_be_repeated(setting: dict[str, str], repeatable: bool, driver: Driver) -> None:
    driver.carry_out = lambda _: Reply(value={"status": 200, "headers": {}, "body": "{}", "url": "http://a.test/"})
    call = node("Call", "httpRequest", {"url": "http://a.test/", "options": {}}, version=4.2, **setting)
    driver.run(workflow(START, call, links=["Start → Call"]))
    assert [effect.repeatable for effect in driver.effects] == [repeatable]


def test_what_stays_within_the_hive_is_repeated_whatever_the_node_says(driver: Driver) -> None:
    wait = node("Wait", "wait", {"amount": 1, "unit": "seconds"}, version=1.1, onInterrupt="outcomeUnknown")
    driver.run(workflow(START, wait, links=["Start → Wait"]))
    assert [effect.repeatable for effect in driver.effects] == [True]


def test_an_unknown_outcome_is_not_tried_again(driver: Driver) -> None:
    unknown = Reply(failure=Failure(message="who knows", code="outcome_unknown"))
    driver.carry_out = lambda _: unknown
    call = node("Call", "httpRequest", {"url": "http://a.test/", "options": {}}, version=4.2, retryOnFail=True)
    execution = driver.run(workflow(START, call, links=["Start → Call"]))
    assert execution.status is Status.ERROR
    assert len(driver.effects) == 1


def test_a_setting_that_there_is_not_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidWorkflow, match=r"nodes\[0\]\.onInterrupt"):
        workflow({**START, "onInterrupt": "never"}, links=[])
