"""Split Out: one item for each element of a list."""

from typing import Any

from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs
from workflow.core.paths import MISSING, read, with_value, without
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import names_in


def run(call: NodeCall, *, nested: bool = True) -> Outputs:
    """`nested`: fields that are kept by a path are where they were; else the path is their name."""
    made: list[Item] = []
    missing: set[str] = set()
    parameters = call.each()
    for index, item in enumerate(call.items):
        made.extend(_split(item, index, parameters[index], missing, nested=nested))
    if call.items and missing:
        call.hints.append(
            f"The field{'s' if len(missing) > 1 else ''} {', '.join(sorted(missing))} wasn't found in any input item"
        )
    return [made]


def _split(item: Item, index: int, parameters: Parameters, missing: set[str], *, nested: bool) -> list[Item]:
    names = names_in(parameters.get("fieldToSplitOut", ""))
    if not names:
        raise NodeError("The 'Fields To Split Out' parameter is empty", item=index)
    dotted = parameters.get("options.disableDotNotation") is not True
    targets = names_in(parameters.get("options.destinationFieldName", ""))
    if targets and len(targets) != len(names):
        raise NodeError(
            "If multiple fields to split out are given, the same number of destination fields must be given", item=index
        )
    columns = [_elements(item, name, dotted, missing) for name in names]
    kept = _kept(item, parameters, names, dotted, nested=nested)
    spread = len(names) == 1 and not targets and parameters.get("include", "noOtherFields") == "noOtherFields"
    made: list[Item] = []
    for row in range(max(map(len, columns))):
        fields = dict(kept)
        for target, column in zip(targets or names, columns, strict=True):
            if row >= len(column):
                continue
            value = column[row]
            if spread and isinstance(value, dict | list):
                fields.update(value if isinstance(value, dict) else {str(n): each for n, each in enumerate(value)})
            else:
                fields = with_value(fields, target, value) if dotted and targets else {**fields, target: value}
        made.append(_item(fields, item, index, parameters))
    return made


def _elements(item: Item, name: str, dotted: bool, missing: set[str]) -> list[Any]:
    if name == "$binary":
        return list((item.get("binary") or {}).values())
    value = read(item["json"], name, MISSING) if dotted else item["json"].get(name, MISSING)
    if value is MISSING or value is None:
        missing.add(name)
        return []
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def _kept(item: Item, parameters: Parameters, names: list[str], dotted: bool, *, nested: bool) -> dict[str, Any]:
    include = parameters.get("include", "noOtherFields")
    if include == "selectedOtherFields":
        found: dict[str, Any] = {}
        for name in names_in(parameters.get("fieldsToInclude", "")):
            value = read(item["json"], name, MISSING) if dotted else item["json"].get(name, MISSING)
            if value is MISSING:
                continue
            found = with_value(found, name, value) if dotted and nested else {**found, name: value}
        return found
    if include != "allOtherFields":
        return {}
    kept: dict[str, Any] = item["json"]
    for name in names:
        kept = without(kept, name) if dotted else {key: value for key, value in kept.items() if key != name}
    return kept


def _item(fields: dict[str, Any], item: Item, index: int, parameters: Parameters) -> Item:
    made: Item = {"json": fields, "pairedItem": {"item": index}}
    if parameters.get("options.includeBinary") is True and "binary" in item:
        made["binary"] = item["binary"]
    return made


TYPES = (NodeType(name="n8n-nodes-base.splitOut", versions=(1,), run=run),)
