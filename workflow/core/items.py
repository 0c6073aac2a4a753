"""Items: what travels between nodes, in n8n's own shape, and how one is traced back to where it came from.

An item is a dict `{"json": {…}, "pairedItem": …, "binary": {…}}`. Items are shared by reference between runs, so nobody changes one:
a node that alters an item makes a new dict. `pairedItem` is `{"item": n, "input": i, "sourceOverwrite": {…}}`, a list of those, or n.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Item: TypeAlias = dict[str, Any]
Items: TypeAlias = Sequence[Item]
Outputs: TypeAlias = Sequence[Items | None]
"""What a node returns: one list of items for each of its outputs."""


def paired(index: int, input_index: int = 0) -> dict[str, int]:
    """The `pairedItem` of something made of one input item; n8n leaves the first input out."""
    return {"item": index, "input": input_index} if input_index else {"item": index}


def from_json(values: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Items of plain objects."""
    return [{"json": value} for value in values]


def numbered(items: Items, input_index: int = 0) -> list[Item]:
    """The items as a node receives them: each paired with itself, so that one passed through points to where it came in."""
    return [{**item, "pairedItem": paired(index, input_index)} for index, item in enumerate(items)]


def with_pairs(outputs: Outputs, inputs: Sequence[Items]) -> list[Items | None]:
    """n8n's rule for items that a node left unpaired: of one input item all come from it, one alone comes from the first, equal counts by index, else unknown.

    With several inputs nobody can tell, so nothing is paired.
    """
    if len(inputs) > 1:
        return list(outputs)
    first = inputs[0] if inputs else ()
    count = len(first)
    made = len(outputs[0]) if len(outputs) == 1 and outputs[0] is not None else None
    if count != 1 and made not in (1, count):
        return list(outputs)
    return [None if items is None else _pair_all(items, None if 1 in (count, made) else count) for items in outputs]


def _pair_all(items: Items, count: int | None) -> Items:
    if all("pairedItem" in item for item in items):
        return items
    return [item if "pairedItem" in item else _pair(item, index, count) for index, item in enumerate(items)]


def _pair(item: Item, index: int, count: int | None) -> Item:
    if count is None:
        return {**item, "pairedItem": {"item": 0}}
    return {**item, "pairedItem": {"item": index}} if index < count else item
