"""Aggregate: many items to one, either some fields as lists or all items as one list."""

from typing import Any

from workflow.core.failure import NodeError
from workflow.core.items import Item, Items, Outputs
from workflow.core.paths import MISSING, read, with_value
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import names_in


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    if parameters.get("aggregate", "aggregateIndividualFields") == "aggregateAllItemData":
        json = _all_data(parameters, call.items)
    else:
        json = _fields(parameters, call.items, parameters.get("fieldsToAggregate.fieldToAggregate", []))
    made: Item = {"json": json, "pairedItem": [{"item": index} for index in range(len(call.items))]}
    binary = _binary(parameters, call.items)
    return [[{**made, "binary": binary} if binary else made]]


def _all_data(parameters: Parameters, items: Items) -> dict[str, Any]:
    include = parameters.get("include", "allFields")
    data = [item["json"] for item in items]
    if include == "specifiedFields":
        wanted = names_in(parameters.get("fieldsToInclude", ""))
        data = [{name: each[name] for name in wanted if name in each} for each in data]
        data = [each for each in data if each]
    elif include == "allFieldsExcept":
        unwanted = names_in(parameters.get("fieldsToExclude", ""))
        data = [{name: value for name, value in each.items() if name not in unwanted} for each in data]
        data = [each for each in data if each]
    return {parameters.text("destinationFieldName", "data"): data}


def _fields(parameters: Parameters, items: Items, fields: list[dict[str, Any]]) -> dict[str, Any]:
    if not fields:
        raise NodeError("No fields specified", description="Please add a field to aggregate")
    dotted = parameters.get("options.disableDotNotation") is not True
    found: dict[str, Any] = {}
    for field in fields:
        name = field.get("fieldToAggregate", "")
        target = _target(field, name, dotted)
        if target in found:
            raise NodeError(
                f"The '{target}' output field is used more than once",
                description="Please make sure each output field name is unique",
            )
        values = _values(items, name, parameters, dotted)
        found = with_value(found, target, values) if dotted else {**found, target: values}
    return found


def _target(field: dict[str, Any], name: str, dotted: bool) -> str:
    if field.get("renameField") is True and field.get("outputFieldName"):
        return str(field["outputFieldName"])
    return name.rpartition(".")[2] if dotted else name


def _values(items: Items, name: str, parameters: Parameters, dotted: bool) -> list[Any]:
    keeps, merges = parameters.get("options.keepMissing") is True, parameters.get("options.mergeLists") is True
    found: list[Any] = []
    for item in items:
        value = read(item["json"], name, MISSING) if dotted else item["json"].get(name, MISSING)
        value = None if value is MISSING else value
        if isinstance(value, list) and merges:
            found.extend(each for each in value if keeps or each is not None)
        elif keeps or value is not None:
            found.append(value)
    return found


def _binary(parameters: Parameters, items: Items) -> dict[str, Any]:
    if parameters.get("options.includeBinaries") is not True:
        return {}
    found: dict[str, Any] = {}
    for item in items:
        for name, value in (item.get("binary") or {}).items():
            key = name
            number = 1
            while key in found:
                key, number = f"{name}_{number}", number + 1
            found[key] = value
    return found


TYPES = (NodeType(name="n8n-nodes-base.aggregate", versions=(1,), run=run),)
