"""If, Filter and Switch in their versions."""

from typing import Any

import pytest

from tests.unit.workflow.build import node, workflow
from tests.unit.workflow.nodes.case import Case, Fails, check
from workflow.core.driver import Driver
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import Limits, V8Scripts

N = [{"n": 1}, {"n": 5}, {"n": 9}]


def when(left: str, kind: str, operation: str, right: Any = "", **more: Any) -> dict[str, Any]:
    return {"leftValue": left, "rightValue": right, "operator": {"type": kind, "operation": operation, **more}}


def conditions(*each: dict[str, Any], combinator: str = "and", strict: bool = True, case: bool = True) -> dict[str, Any]:
    options = {"caseSensitive": case, "typeValidation": "strict" if strict else "loose", "version": 2}
    return {"conditions": {"options": options, "conditions": list(each), "combinator": combinator}}


def single(kind: str, operation: str, value: Any, right: Any = "", *, holds: bool, **options: Any) -> Case:
    parameters = conditions(when("={{ $json.v }}", kind, operation, right), **options)
    item = {"v": value}
    return Case(
        name=f"{operation} {value!r} {right!r}",
        kind="if",
        version=2.2,
        parameters=parameters,
        items=[item],
        gives=[[item]] if holds else [[], [item]],
    )


IF = (
    single("string", "equals", "a", "a", holds=True),
    single("string", "equals", "a", "A", holds=False),
    single("string", "equals", "a", "A", holds=True, case=False),
    single("string", "notEquals", "a", "b", holds=True),
    single("string", "contains", "hello", "ell", holds=True),
    single("string", "notContains", "hello", "ell", holds=False),
    single("string", "startsWith", "hello", "he", holds=True),
    single("string", "notStartsWith", "hello", "he", holds=False),
    single("string", "endsWith", "hello", "lo", holds=True),
    single("string", "notEndsWith", "hello", "lo", holds=False),
    single("string", "regex", "abc123", r"\d+$", holds=True),
    single("string", "regex", "ABC", "/b/i", holds=True),
    single("string", "notRegex", "abc", r"\d", holds=True),
    # as JavaScript reads them, and not Python
    single("string", "regex", "\u0663", r"^\d$", holds=False),
    single("string", "regex", "a\n", "a$", holds=False),
    single("string", "regex", "ä", r"/^\p{L}$/u", holds=True),
    single("string", "regex", "foob", "(?<=o+)b", holds=True),
    single("string", "regex", "b", "/b/g", holds=True),
    single("string", "empty", "", holds=True),
    single("string", "empty", None, holds=True),
    single("string", "notEmpty", "x", holds=True),
    single("string", "exists", None, holds=False),
    single("string", "exists", "", holds=True),
    single("string", "notExists", None, holds=True),
    single("number", "equals", 3, 3, holds=True),
    single("number", "notEquals", 3, 4, holds=True),
    single("number", "gt", 5, 3, holds=True),
    single("number", "lt", 5, 3, holds=False),
    single("number", "gte", 3, 3, holds=True),
    single("number", "lte", 3, 3, holds=True),
    single("number", "gt", "5", 3, holds=True, strict=False),
    single("boolean", "true", True, holds=True),
    single("boolean", "false", True, holds=False),
    single("boolean", "equals", True, True, holds=True),
    single("boolean", "true", "true", holds=True, strict=False),
    single("dateTime", "after", "2024-02-01", "2024-01-01", holds=True),
    single("dateTime", "before", "2024-02-01T10:00:00Z", "2024-02-01T12:00:00+01:00", holds=True),
    single("dateTime", "equals", "2024-02-01T12:00:00Z", "2024-02-01T13:00:00+01:00", holds=True),
    single("dateTime", "afterOrEquals", "2024-02-01", "2024-02-01", holds=True),
    single("array", "contains", [1, 2], 2, holds=True),
    single("array", "notContains", [1, 2], 3, holds=True),
    single("array", "lengthEquals", [1, 2], 2, holds=True),
    single("array", "lengthGt", [1, 2], 2, holds=False),
    single("array", "empty", [], holds=True),
    single("object", "empty", {}, holds=True),
    single("object", "notEmpty", {"a": 1}, holds=True),
    Case(name="wrong type", kind="if", version=2.2, parameters=conditions(when("={{ $json.n }}", "string", "equals", "1")), items=N, gives=Fails("Wrong type: '1' is a number but was expecting a string")),
    Case(name="every one", kind="if", version=2, parameters=conditions(when("={{ $json.n }}", "number", "gt", 1), when("={{ $json.n }}", "number", "lt", 9)), items=N, gives=[[N[1]], [N[0], N[2]]]),
    Case(name="any one", kind="if", version=2, parameters=conditions(when("={{ $json.n }}", "number", "lt", 2), when("={{ $json.n }}", "number", "gt", 8), combinator="or"), items=N, gives=[[N[0], N[2]], [N[1]]], pairs=[{"item": 0}, {"item": 2}]),
    Case(name="loose by option", kind="if", version=2.1, parameters={**conditions(when("={{ $json.n }}", "string", "equals", "1")), "options": {"looseTypeValidation": True}}, items=N[:1], gives=[N[:1]]),
    Case(name="loose", kind="if", version=2.2, parameters={**conditions(when("={{ $json.n }}", "string", "equals", "1")), "looseTypeValidation": True}, items=N[:1], gives=[N[:1]]),
    Case(name="older, every", kind="if", parameters={"conditions": {"number": [{"value1": "={{ $json.n }}", "operation": "larger", "value2": 3}], "string": [{"value1": "a", "value2": "a"}]}}, items=N, gives=[N[1:], N[:1]]),
    Case(name="older, any", kind="if", parameters={"conditions": {"number": [{"value1": "={{ $json.n }}", "operation": "equal", "value2": 1}, {"value1": "={{ $json.n }}", "operation": "equal", "value2": 9}]}, "combineOperation": "any"}, items=N, gives=[[N[0], N[2]], [N[1]]]),
    Case(name="older, text", kind="if", parameters={"conditions": {"string": [{"value1": "={{ $json.t }}", "operation": "contains", "value2": "b"}]}}, items=[{"t": "abc"}, {"t": "x"}], gives=[[{"t": "abc"}], [{"t": "x"}]]),
    Case(name="older, truth", kind="if", parameters={"conditions": {"boolean": [{"value1": "={{ $json.b }}", "value2": True}]}}, items=[{"b": True}, {"b": False}], gives=[[{"b": True}], [{"b": False}]]),
    Case(name="older, empty", kind="if", parameters={"conditions": {"string": [{"value1": "={{ $json.t }}", "operation": "isEmpty"}]}}, items=[{"t": ""}, {"t": "x"}], gives=[[{"t": ""}], [{"t": "x"}]]),
    Case(name="filter", kind="filter", version=2.2, parameters=conditions(when("={{ $json.n }}", "number", "gt", 3)), items=N, gives=[N[1:], N[:1]]),
    Case(name="filter, or", kind="filter", version=2, parameters=conditions(when("={{ $json.n }}", "number", "lt", 3), when("={{ $json.n }}", "number", "gt", 7), combinator="or"), items=N, gives=[[N[0], N[2]], [N[1]]]),
    Case(name="filter, older", kind="filter", parameters={"conditions": {"number": [{"value1": "={{ $json.n }}", "operation": "smaller", "value2": 5}]}, "combineConditions": "AND"}, items=N, gives=[N[:1], N[1:]]),
    Case(name="filter, nothing passes", kind="filter", version=2.2, parameters=conditions(when("={{ $json.n }}", "number", "gt", 99)), items=N, gives=[[], N]),
)  # fmt: skip


def rule(operation: str, right: Any, name: str | None = None) -> dict[str, Any]:
    renamed = {"renameOutput": True, "outputKey": name} if name else {}
    return {**conditions(when("={{ $json.n }}", "number", operation, right)), **renamed}


RULES = {"rules": {"values": [rule("lt", 3), rule("gt", 3)]}}
SWITCH = (
    Case(name="rules", kind="switch", version=3, parameters=RULES, items=N, gives=[N[:1], N[1:]]),
    Case(name="rules, 3.2", kind="switch", version=3.2, parameters={"rules": {"values": [rule("lt", 3, "small"), rule("gt", 7, "big")]}}, items=N, gives=[N[:1], N[2:]]),
    Case(name="first match", kind="switch", version=3.2, parameters={"rules": {"values": [rule("gt", 0), rule("gt", 3)]}}, items=N, gives=[N]),
    Case(name="every match", kind="switch", version=3.2, parameters={"rules": {"values": [rule("gt", 0), rule("gt", 3)]}, "options": {"allMatchingOutputs": True}}, items=N, gives=[N, N[1:]]),
    Case(name="extra fallback", kind="switch", version=3.2, parameters={"rules": {"values": [rule("lt", 3)]}, "options": {"fallbackOutput": "extra"}}, items=N, gives=[N[:1], N[1:]]),
    Case(name="fallback to one", kind="switch", version=3.2, parameters={"rules": {"values": [rule("gt", 7), rule("gt", 99)]}, "options": {"fallbackOutput": 1}}, items=N, gives=[N[2:], N[:2]]),
    Case(name="no fallback", kind="switch", version=3.2, parameters={"rules": {"values": [rule("gt", 7)]}}, items=N, gives=[N[2:]]),
    Case(name="by number", kind="switch", version=3, parameters={"mode": "expression", "numberOutputs": 3, "output": "={{ $json.n > 3 ? 2 : 0 }}"}, items=N, gives=[N[:1], [], N[1:]]),
    Case(name="out of range", kind="switch", version=3, parameters={"mode": "expression", "numberOutputs": 2, "output": 5}, items=N, gives=Fails("ouput 5 is not allowed")),
    Case(name="wrong type", kind="switch", version=3.2, parameters={"rules": {"values": [conditions(when("={{ $json.n }}", "string", "equals", "1"))]}}, items=N, gives=Fails("Wrong type")),
    Case(name="version 1", kind="switch", parameters={"value1": "={{ $json.n }}", "rules": {"rules": [{"operation": "smaller", "value2": 3}, {"operation": "larger", "value2": 7, "output": 2}]}, "fallbackOutput": 3}, items=N, gives=[N[:1], [], N[2:], [N[1]]]),
    Case(name="version 1, text", kind="switch", parameters={"dataType": "string", "value1": "={{ $json.t }}", "rules": {"rules": [{"value2": "a"}, {"value2": "b", "output": 1}]}}, items=[{"t": "b"}, {"t": "a"}, {"t": "c"}], gives=[[{"t": "a"}], [{"t": "b"}]]),
    Case(name="version 2", kind="switch", version=2, parameters={"value1": "={{ $json.n }}", "rules": {"rules": [{"operation": "smaller", "value2": 3, "outputKey": "x"}, {"operation": "equal", "value2": 5, "outputKey": "y"}]}}, items=N, gives=[N[:1], [N[1]]]),
)  # fmt: skip


@pytest.mark.parametrize("case", [*IF, *SWITCH], ids=str)
def test_items_go_where_they_belong(driver: Driver, case: Case) -> None:
    check(driver, case)


ENDLESS = "(a+)+$"
VICTIM = "a" * 40 + "b"
BY_PATTERN = {
    "conditions": {
        "conditions": [
            {"leftValue": "={{ $json.text }}", "rightValue": ENDLESS, "operator": {"type": "string", "operation": "regex"}}
        ]
    }
}
NODES = {
    "if": node("Node", "if", BY_PATTERN, version=2.2, onError="continueRegularOutput"),
    "older if": node(
        "Node", "if", {"conditions": {"string": [{"value1": "={{ $json.text }}", "operation": "regex", "value2": ENDLESS}]}}
    ),
    "switch": node("Node", "switch", {"rules": {"values": [BY_PATTERN]}}, version=3.2),
    "rename": node(
        "Node", "renameKeys", {"additionalOptions": {"regexReplacement": {"replacements": [{"searchRegex": ENDLESS}]}}}
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_a_pattern_that_takes_for_ever_fails_and_holds_nobody_up(name: str, pool: Pool, driver: Driver) -> None:
    driver.interpreter.scripts = V8Scripts(pool, Limits(expression_seconds=0.2))
    items = [{"json": {"text": VICTIM, VICTIM: 1}} for _ in range(100)]
    flow = workflow(node("Start", "manualTrigger"), NODES[name], links=["Start → Node"])
    failure = driver.run(flow, items=items).runs["Node"][0].failure
    assert failure is not None
    assert failure.code == "evaluation_limit"


def test_patterns_are_tried_together_and_of_two_that_must_hold_the_second_by_what_the_first_says(driver: Driver) -> None:
    def regex(pattern: str) -> dict[str, Any]:
        return {"leftValue": "={{ $json.text }}", "rightValue": pattern, "operator": {"type": "string", "operation": "regex"}}

    def passed(*patterns: str, combinator: str) -> list[str]:
        parameters = {"conditions": {"combinator": combinator, "conditions": [regex(each) for each in patterns]}}
        flow = workflow(node("Start", "manualTrigger"), node("If", "if", parameters, version=2.2), links=["Start → If"])
        outputs = driver.run(flow, items=[{"json": {"text": text}} for text in ("ab", "a", "b")]).runs["If"][0].outputs
        assert outputs is not None
        return [item["json"]["text"] for item in outputs[0] or ()]

    assert passed("a", "b", combinator="and") == ["ab"]
    assert passed("a", "b", combinator="or") == ["ab", "a", "b"]
    assert passed("^a$", "^b$", combinator="or") == ["a", "b"]
