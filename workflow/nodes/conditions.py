"""n8n's filter conditions, as If, Filter and Switch share them: a tree of `{leftValue, operator, rightValue}` joined by `and` or `or`.

`strict` validation refuses a value of another type than the operator's; `loose` converts it. Nothing (`null`) is allowed in both.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.expressions.parameters import UNDEFINED, Parameters
from workflow.nodes.dates import parse_date
from workflow.nodes.patterns import Matches
from workflow.nodes.values import boolean_of, number_of, parsed, same, text_of, truthy, type_of

_ARTICLES: Final = {"array": "an", "object": "an"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    matches: Matches
    strict: bool = True
    case_sensitive: bool = True
    zone: str = "UTC"


def rules_of(
    conditions: Mapping[str, Any], zone: str, matches: Matches, *, loose: bool = False, ignore_case: bool = False
) -> Rules:
    options = conditions.get("options") or {}
    return Rules(
        matches=matches,
        strict=not loose and options.get("typeValidation", "strict") == "strict",
        case_sensitive=not ignore_case and options.get("caseSensitive", True) is not False,
        zone=zone,
    )


def conditions_at(parameters: Parameters, path: str, conditions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The conditions that stand at `path`, with `UNDEFINED` in the places of values that are."""
    if not parameters.has_undefined:
        return conditions

    def seen(place: int, condition: Mapping[str, Any]) -> dict[str, Any]:
        sides = ("leftValue", "rightValue")
        gone = [side for side in sides if parameters.is_undefined(f"{path}.conditions[{place}].{side}")]
        return {**condition, **dict.fromkeys(gone, UNDEFINED)}

    found = conditions.get("conditions") or []
    return {**conditions, "conditions": [seen(place, condition) for place, condition in enumerate(found)]}


def passes(conditions: Mapping[str, Any], rules: Rules, item: int = 0) -> bool:
    """Whether the conditions hold. Raises `NodeError` for a value of the wrong type."""
    found = conditions.get("conditions") or []
    results = (_holds(condition, rules, place, item) for place, condition in enumerate(found))
    return any(results) if conditions.get("combinator") == "or" else all(results)


def _holds(condition: Mapping[str, Any], rules: Rules, place: int, item: int) -> bool:
    operator = condition.get("operator") or {}
    kind, operation = operator.get("type", "string"), operator.get("operation", "equals")
    left, right = condition.get("leftValue"), condition.get("rightValue")
    right_kind = _right_kind(kind, operator)
    unary = operator.get("singleValue") is True or operation in UNARY
    if rules.strict and kind == right_kind == "number" and not unary and isinstance(left, str) and isinstance(right, str):
        raise NodeError("Comparison type expects a number but both fields are a string", description=_HELP, item=item)
    try:
        left = converted(left, kind, rules)
        right = None if unary else converted(right, right_kind, rules)
    except _WrongType as error:
        raise NodeError(f"{error} [condition {place}, item {item}]", description=_HELP, item=item) from None
    if operation in ("exists", "notExists"):
        return (left is None or left is UNDEFINED) is (operation == "notExists")
    compare = OPERATIONS.get(kind, {}).get(operation)
    if compare is None:
        raise NodeError(f"Unknown filter operation {kind}:{operation} [condition {place}, item {item}]", item=item)
    return compare(left, right, rules)


UNARY: Final = frozenset(("exists", "notExists", "empty", "notEmpty", "true", "false"))
_HELP: Final = "Change the operator to the type of the value, or turn on 'Convert types where required'"


def _right_kind(kind: str, operator: Mapping[str, Any]) -> str:
    given = operator.get("rightType")
    if isinstance(given, str):
        return given
    if kind == "array":
        return "number" if str(operator.get("operation", "")).startswith("length") else "any"
    return kind


class _WrongType(Exception):
    pass


def converted(value: Any, kind: str, rules: Rules) -> Any:
    """The value as the operator's type; raises where validation refuses it. Only of numbers `undefined` is another nothing than `null`."""
    if value is UNDEFINED:
        return value if kind == "number" else None
    if value is None or kind == "any":
        return value
    if kind == "dateTime":
        found = parse_date(value, rules.zone) if isinstance(value, str) and not _DIGITS.fullmatch(value) else None
        if found is None:
            raise _WrongType(_wrong(value, kind, rules))
        return found
    if type_of(value) == kind:
        return value
    if rules.strict:
        raise _WrongType(_wrong(value, kind, rules))
    found = _LOOSE[kind](value)
    if found is None and value != "":
        raise _WrongType(_wrong(value, kind, rules))
    return found


_DIGITS: Final = re.compile(r"\s*-?\d*\s*")


def _wrong(value: Any, kind: str, rules: Rules) -> str:
    """To JavaScript a list is an object, too."""
    given = "object" if isinstance(value, list) else type_of(value)
    if rules.strict:
        return f"Wrong type: '{_shown(value)}' is {_article(given)} but was expecting {_article(kind)}"
    return f"Conversion error: the {given} '{_shown(value)}' can't be converted to {_article(kind)}"


def _shown(value: Any) -> str:
    """As JavaScript writes it into a text."""
    if isinstance(value, Mapping):
        return "[object Object]"
    if isinstance(value, list):
        return ",".join("" if each is None else _shown(each) for each in value)
    return text_of(value)


def _article(kind: str) -> str:
    return f"{_ARTICLES.get(kind, 'a')} {kind}"


def _loose_boolean(value: Any) -> bool:
    found = boolean_of(value)
    return found if found is not None else truthy(value) and value != []


def _loose_number(value: Any) -> Any:
    return number_of(_shown(value) or 0) if isinstance(value, list) else number_of(value)


_LOOSE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "string": text_of,
    "number": _loose_number,
    "boolean": _loose_boolean,
    "array": lambda value: parsed(value, list),
    "object": lambda value: parsed(value, dict),
}
Compare = Callable[[Any, Any, Rules], bool]


def _folded(value: Any, rules: Rules) -> str:
    text = text_of(value)
    return text if rules.case_sensitive else text.lower()


def _string(test: Callable[[str, str], bool]) -> Compare:
    return lambda left, right, rules: test(_folded(left, rules), _folded(right, rules))


def _compared(test: Callable[[Any, Any], bool]) -> Compare:
    return lambda left, right, _: left is not None and right is not None and bool(test(left, right))


def _numbers(test: Callable[[Any, Any], bool]) -> Compare:
    """As in JavaScript, where `null` counts as 0 and nothing is more or less than `undefined`."""
    return lambda left, right, _: UNDEFINED not in (left, right) and bool(test(left or 0, right or 0))


def _equal(left: Any, right: Any, _: Rules) -> bool:
    return left is right if UNDEFINED in (left, right) else same(left, right)


def _empty(left: Any) -> bool:
    return left is None or left is UNDEFINED or left == "" or (isinstance(left, list | Mapping) and not left) or left != left


def _contains(left: Any, right: Any, rules: Rules) -> bool:
    values: Sequence[Any] = left or ()
    if not rules.case_sensitive and isinstance(right, str):
        return any(isinstance(value, str) and value.lower() == right.lower() for value in values)
    return any(same(value, right) for value in values if not isinstance(value, list | Mapping))


def _length(test: Callable[[int, Any], bool]) -> Compare:
    return lambda left, right, _: right is not None and bool(test(len(left or ()), right))


def _not(compare: Compare) -> Compare:
    return lambda left, right, rules: not compare(left, right, rules)


_EMPTINESS: Final[Mapping[str, Compare]] = {
    "empty": lambda left, _, __: _empty(left),
    "notEmpty": lambda left, _, __: not _empty(left),
}
_STRING: Final[Mapping[str, Compare]] = {
    "equals": _string(lambda left, right: left == right),
    "contains": _string(lambda left, right: right in left),
    "startsWith": _string(lambda left, right: left.startswith(right)),
    "endsWith": _string(lambda left, right: left.endswith(right)),
    "regex": lambda left, right, rules: rules.matches(right, text_of(left), not rules.case_sensitive),
}
OPERATIONS: Final[Mapping[str, Mapping[str, Compare]]] = {
    "string": {**_EMPTINESS, **_STRING, **{f"not{name[0].upper()}{name[1:]}": _not(test) for name, test in _STRING.items()}},
    "number": {
        **_EMPTINESS,
        "equals": _equal,
        "notEquals": _not(_equal),
        "gt": _numbers(lambda left, right: left > right),
        "lt": _numbers(lambda left, right: left < right),
        "gte": _numbers(lambda left, right: left >= right),
        "lte": _numbers(lambda left, right: left <= right),
    },
    "dateTime": {
        **_EMPTINESS,
        "equals": _compared(lambda left, right: left == right),
        "notEquals": _compared(lambda left, right: left != right),
        "after": _compared(lambda left, right: left > right),
        "before": _compared(lambda left, right: left < right),
        "afterOrEquals": _compared(lambda left, right: left >= right),
        "beforeOrEquals": _compared(lambda left, right: left <= right),
    },
    "boolean": {
        **_EMPTINESS,
        "true": lambda left, _, __: left is True,
        "false": lambda left, _, __: left is not True,
        "equals": _equal,
        "notEquals": _not(_equal),
    },
    "array": {
        **_EMPTINESS,
        "contains": _contains,
        "notContains": _not(_contains),
        "lengthEquals": _length(lambda size, right: size == right),
        "lengthNotEquals": _length(lambda size, right: size != right),
        "lengthGt": _length(lambda size, right: size > right),
        "lengthLt": _length(lambda size, right: size < right),
        "lengthGte": _length(lambda size, right: size >= right),
        "lengthLte": _length(lambda size, right: size <= right),
    },
    "object": dict(_EMPTINESS),
    "any": {**_EMPTINESS, "equals": _equal, "notEquals": _not(_equal)},
}
