"""What a sub-workflow is given: the fields that its caller defines over the caller's item, and of those what its trigger names."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item
from workflow.core.paths import MISSING
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import Node
from workflow.nodes.assigning import converted, unfit
from workflow.nodes.values import type_of

ABSENT: Final = "absent"
"""Key of an item on its way: names of fields that were defined and have no value. They are not even null in the sub-workflow."""


def given(item: Item, parameters: Parameters, index: int) -> Item:
    """The item with what the node defines for the sub-workflow. Raises `NodeError` for a value of another type than the field's."""
    mapping = parameters.get("workflowInputs") if parameters.get("source", "database") == "database" else None
    values = mapping.get("value") if isinstance(mapping, Mapping) else None
    if not isinstance(mapping, Mapping) or not values or mapping.get("mappingMode") != "defineBelow":
        return item
    kinds = {each.get("id"): each.get("type") for each in mapping.get("schema") or () if isinstance(each, Mapping)}
    converts = mapping.get("attemptToConvertTypes") is True
    fields, absent = dict(item["json"]), []
    for name, value in values.items():
        if value is None and kinds.get(name):
            fields.pop(name, None)
            absent.append(name)
        else:
            fields[name] = _fit(name, value, kinds.get(name), converts, index)
    return {**item, "json": fields, ABSENT: absent}


def _fit(name: str, value: Any, kind: str | None, converts: bool, index: int) -> Any:
    if kind is None or kind not in _KINDS or type_of(value) == kind:
        return value
    found = converted(value, kind) if converts else MISSING
    if found is MISSING:
        raise NodeError(f"Invalid input for '{name}' [item {index}]", description=unfit(name, value, kind), item=index)
    return found


_KINDS: Final = frozenset({"string", "number", "boolean", "array", "object"})


def taken(node: Node, items: Iterable[Item]) -> list[Item]:
    """What a sub-workflow's trigger lets in: everything, or the fields that it names, null where they were not given.

    Raises `NodeError` where it should name them and names none.
    """
    names = None if node.version < 1.1 else _names(node)
    return [_taken(item, names) for item in items]


def _taken(item: Item, names: list[str] | None) -> Item:
    absent = item.get(ABSENT, ())
    made = {key: value for key, value in item.items() if key != ABSENT}
    if names is not None:
        made["json"] = {name: item["json"].get(name) for name in names if name not in absent}
    return made


def _names(node: Node) -> list[str] | None:
    """None where all is let in, also where no names can be read."""
    parameters = node.parameters
    source = parameters.get("inputSource", "workflowInputs")
    if source == "jsonExample":
        try:
            example = json.loads(parameters.get("jsonExample") or "{}")
        except ValueError:
            return None
        return list(example) if isinstance(example, dict) else None
    if source != "workflowInputs":
        return None
    values = (parameters.get("workflowInputs") or {}).get("values") or ()
    names = [str(each["name"]) for each in values if isinstance(each, Mapping) and each.get("name")]
    if not names:
        raise NodeError(f"The '{node.name}' node has issues:\n- At least 1 field is required.")
    return names
