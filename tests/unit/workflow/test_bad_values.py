"""What code gives and parameters hold that no node can use: an error at the node, with its name, and no fault of the engine."""

from typing import Any

import pytest

from tests.unit.workflow.build import code, node, workflow
from workflow.core.driver import Driver
from workflow.core.execution import Status

START = node("Start", "manualTrigger")
THROWS = "={{ ['1', 'x', '3'][$itemIndex].toNumber() }}"


@pytest.mark.parametrize("depth", [250, 1_500, 100_000])
def test_what_nests_too_deep_fails_its_node(depth: int, driver: Driver) -> None:
    deep = code("Deep", f"let x = 1; for (let i = 0; i < {depth}; i++) x = [x]; return [{{json: {{x}}}}]")
    execution = driver.run(workflow(START, deep, node("After", "noOp"), links=["Start → Deep → After"]))
    assert execution.status is Status.ERROR
    assert execution.failure is not None
    assert (execution.failure.node, execution.failure.code) == ("Deep", "evaluation_limit")
    assert "deeper" in execution.failure.message


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("const a = {}; a.a = a; return [{json: a}]", "TypeError: Converting circular structure to JSON"),
        ("return 'text'", "Code doesn't return items properly"),
        ("return [null]", "Code doesn't return items properly"),
    ],
)
def test_what_is_no_item_fails_its_node(source: str, says: str, driver: Driver) -> None:
    execution = driver.run(workflow(START, code("Bad", source), links=["Start → Bad"]))
    assert execution.failure is not None
    assert (execution.failure.node, execution.failure.message) == ("Bad", says)


@pytest.mark.parametrize(
    ("kind", "version", "parameters"),
    [
        ("if", 2.2, {"conditions": [1, 2]}),
        ("httpRequest", 4.2, {"url": 7, "options": []}),
        ("wait", 1.1, {"amount": "x", "unit": "fortnights"}),
        ("wait", 1.1, {"amount": "Infinity", "unit": "days"}),
        ("sort", 1, {"sortFieldsUi": 3}),
        ("merge", 3, {"mode": {"a": 1}}),
    ],
)
def test_a_parameter_of_a_wrong_type_fails_its_node(
    kind: str, version: float, parameters: dict[str, Any], driver: Driver
) -> None:
    execution = driver.run(workflow(START, node("Bad", kind, parameters, version=version), links=["Start → Bad"]))
    assert execution.failure is not None
    assert execution.failure.node == "Bad"
    assert "unexpectedly" not in execution.failure.message, "this is what is said where Hive is at fault"


@pytest.mark.parametrize("on_error", ["stopWorkflow", "continueRegularOutput", "continueErrorOutput"])
def test_an_expression_that_throws_is_told_with_node_item_and_parameter(on_error: str, driver: Driver) -> None:
    three = code("Gen", "return [1, 2, 3].map(i => ({json: {i}}))")
    fields = {"assignments": {"assignments": [{"name": "a", "type": "number", "value": THROWS}]}}
    bad = node("Bad", "set", {"mode": "manual", **fields}, version=3.4, onError=on_error)
    execution = driver.run(workflow(START, three, bad, links=["Start → Gen → Bad"]))
    (run,) = execution.runs["Bad"]
    if on_error == "stopWorkflow":
        failure = execution.failure
        assert failure is not None
        assert (failure.node, failure.item, failure.code) == ("Bad", 1, "expression_error")
        assert (failure.parameter, failure.expression) == ("assignments.assignments[0].value", THROWS[1:])
        return
    assert execution.status is Status.SUCCESS
    outputs = [[item["json"] for item in items or ()] for items in run.outputs or ()]
    message = "cannot convert to number"
    if on_error == "continueErrorOutput":
        assert outputs == [[{"a": 1}, {"a": 3}], [{"i": 2, "error": message}]]
    else:
        assert outputs == [[{"a": 1}, {"error": message}, {"a": 3}]]
