"""Merge: the items of two or more inputs into one list. The matching is in `matching.py`."""

from collections.abc import Mapping
from typing import Any

from workflow.core.failure import NodeError
from workflow.core.items import Item, Items, Outputs
from workflow.core.paths import MISSING, read
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import Node
from workflow.nodes import matching
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.merging import Clash, merged_item
from workflow.nodes.sql_merge import by_sql
from workflow.nodes.values import key_of

_OLDER = {
    "keepKeyMatches": ("keepMatches", "input1"),
    "removeKeyMatches": ("keepNonMatches", "input1"),
}


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    mode = parameters.get("mode", "append")
    if mode == "append":
        return [[item for items in call.inputs for item in items]]
    if mode in ("chooseBranch", "passThrough", "wait"):
        return [_chosen(call, parameters, mode)]
    if mode == "combineBySql":
        return [by_sql(call, parameters)]
    left, right = (*call.inputs, (), ())[:2]
    if call.node.version < 2:
        return [_older(mode, left, right, parameters)]
    by = parameters.get("combineBy", "combineByFields")
    if call.node.version < 3:
        modes = {"mergeByPosition": "combineByPosition", "multiplex": "combineAll"}
        by = modes.get(parameters.get("combinationMode", "mergeByFields"), "combineByFields")
    if by == "combineByPosition":
        return [_by_position(call.inputs, parameters, twice=call.node.version >= 3)]
    if by == "combineAll":
        return [_all(left, right, _clash(parameters, "preferInput2"))]
    return [matching.combine(left, right, _rules(call.node, parameters))]


def _clash(parameters: Parameters, default: str) -> Clash:
    found = parameters.get("options.clashHandling.values") or {}
    return Clash(
        resolve=found.get("resolveClash", default),
        deep=found.get("mergeMode", "deepMerge") == "deepMerge",
        override_empty=found.get("overrideEmpty") is True,
    )


def _rules(node: Node, parameters: Parameters) -> matching.Rules:
    fields = parameters.get("mergeByFields.values") or []
    if node.version >= 3 and parameters.get("advanced") is not True:
        names = [name.strip() for name in parameters.text("fieldsToMatchString").split(",") if name.strip()]
        pairs = [(name, name) for name in names]
    else:
        pairs = [(str(each.get("field1", "")), str(each.get("field2", ""))) for each in fields]
    if not pairs or not all(one and other for one, other in pairs):
        raise NodeError('You need to define at least one pair of fields in "Fields to Match" to match on')
    join = parameters.get("joinMode", "keepMatches")
    return matching.Rules(
        pairs=pairs,
        join=join,
        output=parameters.get("outputDataFrom", "both"),
        clash=_clash(parameters, "preferInput1" if join == "enrichInput2" else "preferInput2"),
        dotted=parameters.get("options.disableDotNotation") is not True,
        fuzzy=parameters.get("options.fuzzyCompare") is True,
        every=parameters.get("options.multipleMatches", "all") == "all",
    )


def _chosen(call: NodeCall, parameters: Parameters, mode: str) -> Items:
    """One input's items, once all have come."""
    if mode == "wait" or parameters.get("output") == "empty":
        inputs = call.inputs[:1] if call.node.version < 2 else call.inputs
        return [{"json": {}, "pairedItem": [item["pairedItem"] for items in inputs for item in items]}]
    number = 1 if "2" in parameters.text("output", "input1") else 0
    if call.node.version >= 3:
        number = int(parameters.get("useDataOfInput", 1)) - 1
    return call.inputs[number] if 0 <= number < len(call.inputs) else []


def _by_position(inputs: Any, parameters: Parameters, *, twice: bool) -> list[Item]:
    if not all(inputs) and parameters.get("options.includeUnpaired") is not True:
        return [] if twice else [item for items in inputs for item in items]
    unpaired = parameters.get("options.includeUnpaired") is True
    count = (max if unpaired else min)(len(items) for items in inputs)
    clash = _clash(parameters, "preferInput2")
    made = []
    for index in range(count):
        row = [items[index] if index < len(items) else None for items in inputs]
        present = [item for item in row if item is not None]
        if clash.resolve == "preferInput1":
            present.reverse()
        made.append(_row(present, clash, twice))
    return made


def _row(items: list[Item], clash: Clash, twice: bool) -> Item:
    """From version 3 on n8n names the last item twice: among the pairs, and without its suffix. What is recorded is kept."""
    if len(items) == 1 and not twice:
        return items[0]
    item = items[0]
    for other in items[1:]:
        item = merged_item(
            item, other, clash if clash.resolve != "preferInput1" else Clash("preferInput2", clash.deep, clash.override_empty)
        )
    pairs = sorted((each["pairedItem"] for each in items), key=lambda pair: pair.get("input", 0))
    if twice and clash.resolve == "addSuffix":
        item = {**item, "json": {**item["json"], **items[-1]["json"]}}
    again = pairs[-1:] if twice and pairs[-1].get("input") else []  # one of the first input alone is named once
    return {**item, "pairedItem": [*pairs, *again]}


def _all(left: Items, right: Items, clash: Clash) -> list[Item]:
    return [merged_item(one, other, clash) for one in left for other in right]


def _older(mode: str, left: Items, right: Items, parameters: Parameters) -> list[Item]:
    clash = Clash("preferInput2", deep=False)
    if mode == "multiplex":
        return _all(left, right, clash)
    if mode == "mergeByIndex":
        join = parameters.get("join", "left")
        count = {"inner": min(len(left), len(right)), "left": len(left), "outer": max(len(left), len(right))}[join]
        return [_joined(left, right, index, clash) for index in range(count)]
    if mode == "mergeByKey":
        return _by_key(left, right, parameters)
    if mode not in _OLDER:
        raise NodeError(f"The mode {mode!r} is not known")
    join, output = _OLDER[mode]
    pair = (parameters.text("propertyName1"), parameters.text("propertyName2"))
    return matching.combine(left, right, matching.Rules(pairs=[pair], join=join, output=output, clash=clash, every=False))


def _by_key(left: Items, right: Items, parameters: Parameters) -> list[Item]:
    """The items of the first input that have the key, each with the fields of the first of the second that has the same one."""
    ours, theirs = parameters.text("propertyName1"), parameters.text("propertyName2")
    found: dict[Any, Item] = {}
    for item in right:
        found.setdefault(key_of(read(item["json"], theirs, MISSING)), item)
    made = []
    for item in left:
        key = read(item["json"], ours, MISSING)
        other = found.get(key_of(key))
        if key is not MISSING:
            made.append(item if other is None else _over(item, other, parameters.text("overwrite", "always")))
    return made


def _over(item: Item, other: Item, overwrite: str) -> Item:
    """`always`, or only what is not there (`undefined`), or not there or empty (`blank`)."""
    ours = item["json"]
    kept = {
        name: value
        for name, value in ours.items()
        if overwrite == "undefined" or (overwrite == "blank" and value not in (None, ""))
    }
    return {**item, "json": {**ours, **other["json"], **kept}}


def _joined(left: Items, right: Items, index: int, clash: Clash) -> Item:
    if index >= len(left):
        return right[index]
    return merged_item(left[index], right[index], clash) if index < len(right) else left[index]


def _needed(node: Node) -> int | None:
    parameters: Mapping[str, Any] = node.parameters
    return _input_count(node) if parameters.get("mode") in ("chooseBranch", "passThrough", "wait") else 1


def _input_count(node: Node) -> int:
    count = node.parameters.get("numberInputs", 2)
    return count if isinstance(count, int) and node.version >= 3 else 2


TYPES = (
    NodeType(
        name="n8n-nodes-base.merge", versions=(1, 2, 2.1, 3, 3.1, 3.2), run=run, inputs=_input_count, inputs_needed=_needed
    ),
)
