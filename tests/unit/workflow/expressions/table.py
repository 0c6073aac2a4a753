"""Rows of expression tables: `("expression", expected)`, or `("expression", expected, item)` for another item than the first."""

from dataclasses import dataclass
from typing import Any

ITEMS: tuple[dict[str, Any], ...] = (
    {"name": "Zed", "amount": 100},
    {"name": "Ada", "amount": 3, "tags": ["a", "b"], "address": {"city": "Ulm", "zip": "89073"}, "none": None, "empty": ""},
    {"name": "Bob", "amount": 10, "tags": [], "address": {}, "when": "2024-03-30T18:49:07.234"},
    {
        "name": "Ćwa",
        "amount": -1.5,
        "ok": True,
        "text": 'say "hi"',
        "people": [{"age": 20, "name": "Bo"}, {"age": 30, "name": "Al"}],
    },
)
"""What the first node gave; the node under test sees `{"twice": …}` of all but the first, and finds these by `$('Customers')`."""


@dataclass(frozen=True)
class Fails:
    """The expression fails with a message that has this in it."""

    text: str


@dataclass(frozen=True)
class Row:
    expression: str
    expected: str
    """`repr` of what is expected: a row is hashable, so that a table is evaluated once."""
    value: Any = None
    item: int = 0

    def __hash__(self) -> int:
        return hash((self.expression, self.item))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and (self.expression, self.item) == (other.expression, other.item)


def rows(*given: tuple[Any, ...]) -> tuple[Row, ...]:
    made = tuple(Row(each[0], repr(each[1]), each[1], each[2] if len(each) > 2 else 0) for each in given)
    assert len(set(made)) == len(made), "a row is there twice"
    return made


def agrees(found: Any, row: Row) -> bool:
    """Equal, and of the same types: 1 is not true, and 1.0 is what JSON makes of 1."""
    if isinstance(row.value, Fails):
        return isinstance(found, Fails) and row.value.text in found.text
    return _same(found, row.value)


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return found is expected
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(expected, dict):
        return (
            isinstance(found, dict) and list(found) == list(expected) and all(_same(found[k], v) for k, v in expected.items())
        )
    return bool(found == expected)
