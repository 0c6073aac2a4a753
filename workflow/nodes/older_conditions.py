"""Conditions as If, Filter and Switch had them in their first versions: lists by type, without validation."""

from collections.abc import Mapping
from typing import Any, Final

from workflow.nodes.dates import parse_date
from workflow.nodes.patterns import Matches
from workflow.nodes.values import number_of, text_of, truthy

_DEFAULTS: Final = {"string": "equal", "number": "smaller", "boolean": "equal", "dateTime": "after"}


def passes_older(conditions: Mapping[str, Any], zone: str, matches: Matches, *, every: bool) -> bool:
    """`{string: [{value1, operation, value2}], number: …}`: all, or any, of them."""
    results = (
        compare_older(kind, each.get("operation", _DEFAULTS[kind]), each.get("value1"), each.get("value2"), zone, matches)
        for kind, found in conditions.items()
        if kind in _DEFAULTS
        for each in found or ()
    )
    return all(results) if every else any(results)


def compare_older(kind: str, operation: str, left: Any, right: Any, zone: str, matches: Matches) -> bool:
    if operation in ("isEmpty", "isNotEmpty"):
        empty = left is None or left == "" or left == [] or left == {}
        return empty == (operation == "isEmpty")
    negative = operation.startswith("not")
    plain = operation[3:4].lower() + operation[4:] if negative else operation
    if kind == "string" and plain == "regex":
        return matches(right, text_of(left), False) != negative
    return _POSITIVE[kind](plain, left, right, zone) != negative


def _string(operation: str, left: Any, right: Any, _: str) -> bool:
    one, other = text_of(left), text_of(right)
    if operation == "contains":
        return other in one
    if operation == "startsWith":
        return one.startswith(other)
    if operation == "endsWith":
        return one.endswith(other)
    return one == other


def _number(operation: str, left: Any, right: Any, _: str) -> bool:
    one, other = number_of(left if left is not None else 0), number_of(right if right is not None else 0)
    if one is None or other is None:
        return False
    tests = {"smaller": one < other, "smallerEqual": one <= other, "larger": one > other, "largerEqual": one >= other}
    return tests.get(operation, one == other)


def _boolean(_: str, left: Any, right: Any, __: str) -> bool:
    return truthy(left) == truthy(right)


def _date(operation: str, left: Any, right: Any, zone: str) -> bool:
    one, other = parse_date(left, zone), parse_date(right, zone)
    if one is None or other is None:
        return False
    return one > other if operation == "after" else one < other


_POSITIVE: Final = {"string": _string, "number": _number, "boolean": _boolean, "dateTime": _date}
