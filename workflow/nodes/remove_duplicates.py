"""Remove Duplicates: keeps the first of equal items, within the input or also against earlier executions."""

from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item, Items, Outputs, paired
from workflow.core.paths import MISSING, read, with_value
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import Node
from workflow.nodes.contract import NodeCall, NodeType, in_one_item
from workflow.nodes.dates import parse_date
from workflow.nodes.values import key_of, names_in, number_of, type_of

_HISTORY: Final = 10_000


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    operation = parameters.get("operation", "removeDuplicateInputItems")
    if call.node.version < 2 or operation == "removeDuplicateInputItems":
        if call.node.version < 2:
            return [within(parameters, call.items)]
        return in_one_item(call, lambda: [within(parameters, call.items)])
    if operation == "clearDeduplicationHistory":
        _history(call).clear()
        return [call.items]
    return _across(call, parameters)


def within(parameters: Parameters, items: Items) -> list[Item]:
    compare = parameters.get("compare", "allFields")
    dotted = parameters.get("options.disableDotNotation") is not True
    keys = _keys(parameters, items, compare, dotted)
    _check(items, keys, dotted)
    seen: set[Any] = set()
    kept: list[Item] = []
    for item in items:
        key = tuple(key_of(_value(item, name, dotted)) for name in keys)
        if key not in seen:
            seen.add(key)
            kept.append(item)
    if compare != "allFields" and parameters.get("options.removeOtherFields") is True:
        return [{**_only(item, keys, dotted), "pairedItem": paired(index)} for index, item in enumerate(kept)]
    return kept


def _keys(parameters: Parameters, items: Items, compare: str, dotted: bool) -> list[str]:
    if compare == "selectedFields":
        names = names_in(parameters.get("fieldsToCompare", ""))
        if not names:
            raise NodeError("No fields specified. Please add a field to compare on")
        return names
    found: dict[str, None] = {}
    for item in items:
        for name in _flat(item["json"]) if dotted else item["json"]:
            found[name] = None
    unwanted = names_in(parameters.get("fieldsToExclude", "")) if compare == "allFieldsExcept" else []
    if compare == "allFieldsExcept" and not unwanted:
        raise NodeError("No fields specified. Please add a field to exclude from comparison")
    return [name for name in found if name not in unwanted]


def _flat(value: Any, before: str = "") -> list[str]:
    """The paths of all that is neither a list nor an object; an empty one has none."""
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(str(index), each) for index, each in enumerate(value)]
    else:
        return [before]
    return [path for key, each in pairs for path in _flat(each, f"{before}.{key}" if before else key)]


def _check(items: Items, keys: list[str], dotted: bool) -> None:
    """n8n compares only what all items have, and as the same type."""
    for name in keys:
        kind: str | None = None
        for item in items:
            value = _value(item, name, dotted)
            if value is MISSING:
                raise NodeError(f"'{name}' field is missing from some input items")
            if kind is not None and type_of(value) != kind:
                raise NodeError(
                    f"'{name}' isn't always the same type", description="The type of this field varies between items"
                )
            kind = type_of(value)


def _value(item: Item, name: str, dotted: bool) -> Any:
    return read(item["json"], name, MISSING) if dotted else item["json"].get(name, MISSING)


def _only(item: Item, keys: list[str], dotted: bool) -> Item:
    fields: dict[str, Any] = {}
    for name in keys:
        value = _value(item, name, dotted)
        fields = with_value(fields, name, value) if dotted else {**fields, name: value}
    return {**item, "json": fields}


def _history(call: NodeCall) -> dict[str, Any]:
    """Kept with the workflow's static data: the values that were seen, or the highest of them."""
    scope = call.once().get("options.scope", "node")
    key = "workflow:removeDuplicates" if scope == "workflow" else f"node:{call.node.name}"
    call.static_data[key] = dict(call.static_data.get(key, {}))
    found: dict[str, Any] = call.static_data[key]
    return found


def _across(call: NodeCall, parameters: Parameters) -> Outputs:
    """New items, and those that were seen in an earlier execution."""
    history = _history(call)
    logic = parameters.get("logic", "removeItemsWithAlreadySeenKeyValues")
    each = call.each()
    if logic == "removeItemsWithAlreadySeenKeyValues":
        values = [each[index].get("dedupeValue") for index in range(len(call.items))]
        return _unseen(call.items, values, history, int(parameters.get("options.historySize", _HISTORY)))
    name = "incrementalDedupeValue"
    read_value = (
        number_of if logic == "removeItemsUpToStoredIncrementalKey" else lambda value: _milliseconds(value, call.time_zone)
    )
    return _above(call.items, [read_value(each[index].get(name)) for index in range(len(call.items))], history)


def _milliseconds(value: Any, zone: str) -> float | None:
    found = parse_date(value, zone)
    return None if found is None else found.timestamp() * 1000


def _unseen(items: Items, values: list[Any], history: dict[str, Any], size: int) -> Outputs:
    seen = list(history.get("seen", []))
    known = frozenset(map(str, seen))
    new = [item for item, value in zip(items, values, strict=True) if str(value) not in known]
    old = [item for item, value in zip(items, values, strict=True) if str(value) in known]
    history["seen"] = [*seen, *dict.fromkeys(str(value) for value in values if str(value) not in known)][-size:]
    return [new, old]


def _above(items: Items, values: list[float | None], history: dict[str, Any]) -> Outputs:
    stored = history.get("highest")
    new = [item for item, value in zip(items, values, strict=True) if value is not None and (stored is None or value > stored)]
    kept = {id(item) for item in new}
    history["highest"] = max((value for value in [stored, *values] if value is not None), default=None)
    return [new, [item for item in items if id(item) not in kept]]


def _outputs(node: Node) -> int:
    return 2 if node.version >= 2 and node.parameters.get("operation") == "removeItemsSeenInPreviousExecutions" else 1


TYPES = (NodeType(name="n8n-nodes-base.removeDuplicates", versions=(1, 1.1, 2), run=run, outputs=_outputs),)
