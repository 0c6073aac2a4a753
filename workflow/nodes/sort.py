"""Sort: by fields, at random, or by code."""

from functools import cmp_to_key
from typing import Any

from workflow.core.failure import NodeError
from workflow.core.items import Item, Items, Outputs
from workflow.core.paths import MISSING, read
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import number_of


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    kind = parameters.get("type", "simple")
    if kind == "random":
        shuffled = list(call.items)
        call.random.shuffle(shuffled)
        return [shuffled]
    if kind == "code":
        return [_by_code(call, parameters.text("code"))]
    fields = parameters.get("sortFieldsUi.sortField", [])
    if not fields:
        raise NodeError("No sorting specified. Please add a field to sort by")
    dotted = parameters.get("options.disableDotNotation") is not True
    return [sort_by(call.items, [(field["fieldName"], field.get("order", "ascending")) for field in fields], dotted)]


def _by_code(call: NodeCall, source: str) -> list[Item]:
    if "return" not in source:
        raise NodeError("Sort code doesn't return. Please add a 'return' statement to your code")
    return call.scripts.code(call, f"return items.sort((a, b) => {{\n{source}\n}})", "function")


def sort_by(items: Items, fields: list[tuple[str, str]], dotted: bool = True) -> list[Item]:
    """Stable. Texts without regard to case; raises `NodeError` for a field that no item has."""
    for name, _ in fields:
        if not any(_value(item, name, dotted) is not MISSING for item in items):
            raise NodeError(
                f"Couldn't find the field '{name}' in the input data",
                description="Check the spelling, or the previous node's output",
            )

    def compare(left: Item, right: Item) -> int:
        for name, order in fields:
            found = _compare(_value(left, name, dotted), _value(right, name, dotted))
            if found:
                return found if order == "ascending" else -found
        return 0

    return sorted(items, key=cmp_to_key(compare))


def _value(item: Item, name: str, dotted: bool) -> Any:
    return read(item["json"], name, MISSING) if dotted else item["json"].get(name, MISSING)


def _compare(left: Any, right: Any) -> int:
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.lower(), right.lower()
    elif left is MISSING or right is MISSING:
        return (left is MISSING) - (right is MISSING)
    else:
        left, right = _number(left), _number(right)
        if left is None or right is None:
            return 0
    return int(left > right) - int(left < right)


def _number(value: Any) -> float | int | None:
    """What JavaScript compares: nothing counts as 0; None for what is no number."""
    return 0 if value is None else number_of(value)


TYPES = (NodeType(name="n8n-nodes-base.sort", versions=(1,), run=run),)
