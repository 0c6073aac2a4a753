"""What conditions of If, Filter and Switch compare by, as n8n's documentation names it and a person reads it. The engine has the same."""

from collections.abc import Iterator
from typing import Final

from bus.messages import Message


class Operator(Message):
    """`right`: the type of the value that it compares with; None for one that asks the left value alone."""

    type: str
    operation: str
    label: str
    right: str | None = None


_ALONE: Final = {"exists": "exists", "notExists": "does not exist", "empty": "is empty", "notEmpty": "is not empty"}
_TEXT: Final = {
    "equals": "is",
    "notEquals": "is not",
    "contains": "contains",
    "notContains": "does not contain",
    "startsWith": "starts with",
    "notStartsWith": "does not start with",
    "endsWith": "ends with",
    "notEndsWith": "does not end with",
    "regex": "matches",
    "notRegex": "does not match",
}
_NUMBER: Final = {
    "equals": "=",
    "notEquals": "≠",
    "gt": ">",
    "lt": "<",
    "gte": "≥",
    "lte": "≤",
}
_DATE: Final = {
    "equals": "is",
    "notEquals": "is not",
    "after": "is after",
    "before": "is before",
    "afterOrEquals": "is or is after",
    "beforeOrEquals": "is or is before",
}
_LENGTH: Final = {
    "lengthEquals": "has this many",
    "lengthNotEquals": "has not this many",
    "lengthGt": "has more than",
    "lengthLt": "has fewer than",
    "lengthGte": "has at least",
    "lengthLte": "has at most",
}


def _of(kind: str, labels: dict[str, str], right: str | None) -> Iterator[Operator]:
    return (Operator(type=kind, operation=name, label=label, right=right) for name, label in labels.items())


def _all() -> Iterator[Operator]:
    yield from (*_of("string", _TEXT, "string"), *_of("string", _ALONE, None))
    yield from (*_of("number", _NUMBER, "number"), *_of("number", _ALONE, None))
    yield from (*_of("boolean", {"true": "is true", "false": "is false"}, None), *_of("boolean", _ALONE, None))
    yield from _of("boolean", {"equals": "is", "notEquals": "is not"}, "boolean")
    yield from (*_of("dateTime", _DATE, "dateTime"), *_of("dateTime", _ALONE, None))
    yield from _of("array", {"contains": "contains", "notContains": "does not contain"}, "any")
    yield from (*_of("array", _LENGTH, "number"), *_of("array", _ALONE, None))
    yield from _of("object", _ALONE, None)


OPERATORS: Final = tuple(_all())

_OLDER_TEXT: Final = {
    "equal": "is",
    "notEqual": "is not",
    "contains": "contains",
    "notContains": "does not contain",
    "startsWith": "starts with",
    "notStartsWith": "does not start with",
    "endsWith": "ends with",
    "notEndsWith": "does not end with",
    "regex": "matches",
    "notRegex": "does not match",
}
_OLDER_NUMBER: Final = {
    "smaller": "<",
    "smallerEqual": "≤",
    "equal": "=",
    "notEqual": "≠",
    "larger": ">",
    "largerEqual": "≥",
}
_OLDER_ALONE: Final = {"isEmpty": "is empty", "isNotEmpty": "is not empty"}


def _older() -> Iterator[Operator]:
    yield from (*_of("string", _OLDER_TEXT, "string"), *_of("string", _OLDER_ALONE, None))
    yield from (*_of("number", _OLDER_NUMBER, "number"), *_of("number", _OLDER_ALONE, None))
    yield from _of("boolean", {"equal": "is", "notEqual": "is not"}, "boolean")
    yield from _of("dateTime", {"after": "is after", "before": "is before"}, "dateTime")


OLDER_OPERATORS: Final = tuple(_older())
"""Of If and Filter in version 1, and of Switch before version 3."""
