"""Edit Fields (Set): gives items new fields, by hand or as JSON, on top of all, some or none of those that they had."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs
from workflow.core.paths import MISSING, read, with_value, without
from workflow.expressions.parameters import Parameters
from workflow.nodes.assigning import json_object, refuse_misfits, typed
from workflow.nodes.contract import NodeCall, NodeType, each_item
from workflow.nodes.values import names_in, number_of, text_of, truthy


def run(call: NodeCall) -> Outputs:
    if call.node.version < 3:
        each = enumerate(zip(call.items, call.each(), strict=True))
        return [[_older(call, index, item, parameters) for index, (item, parameters) in each]]
    refuse_misfits(call.node)
    raw = call.node.parameters.get("mode") == "raw"
    make = each_item(call, lambda index, item, parameters: _made(call, index, item, parameters, raw))
    if call.node.parameters.get("duplicateItem") is True:
        copies = 1 + int(call.once().get("duplicateCount", 0))
        return [[item for item in make for _ in range(copies)]]
    return [make]


def _made(call: NodeCall, index: int, item: Item, parameters: Parameters, raw: bool) -> Item:
    parameters, failed = _evaluated(call, parameters)
    dotted = parameters.get("options.dotNotation", True) is not False
    fields = _raw(parameters, index) if raw else _fields(call.node.version, parameters, index, failed)
    json_fields = dict(_kept(call.node.version, item["json"], parameters, dotted))
    for name, value in fields:
        if dotted and ("." in name or "[" in name):
            json_fields = with_value(json_fields, name, value)
        else:
            json_fields[_bare(name)] = value
    made: Item = {"json": json_fields, "pairedItem": {"item": index}}
    if "binary" in item and _keeps_binary(call.node.version, parameters):
        made["binary"] = item["binary"]
    return made


def _evaluated(call: NodeCall, parameters: Parameters) -> tuple[Parameters, frozenset[str]]:
    """Where the node goes on by the older `continueOnFail`, an expression that fails sets nothing; its item is none with an error."""
    return parameters.forgiving() if call.node.goes_on_as_before else (parameters, frozenset())


def _bare(name: str) -> str:
    """A name in brackets and quotes is meant without them where it is no path."""
    quoted = name[:2] in ('["', "['") and name[-2:] in ('"]', "']")
    return name[2:-2] if quoted else name


def _keeps_binary(version: float, parameters: Parameters) -> bool:
    if version >= 3.4:
        return parameters.get("includeOtherFields") is True and parameters.get("options.stripBinary") is not True
    return parameters.get("options.includeBinary", True) is not False


def _raw(parameters: Parameters, index: int) -> Iterable[tuple[str, Any]]:
    if "jsonOutput" not in parameters:
        return _EXAMPLE.items()
    given = parameters["jsonOutput"]
    if given is None or given == "null":
        raise NodeError("Cannot convert undefined or null to object", item=index)
    return json_object(given, index).items()


def _fields(version: float, parameters: Parameters, index: int, failed: frozenset[str]) -> Iterable[tuple[str, Any]]:
    ignore = parameters.get("options.ignoreConversionErrors") is True
    place = "assignments.assignments" if version >= 3.3 else "fields.values"
    for number, field in enumerate(parameters.get(place, [])):
        key = "value" if version >= 3.3 else field.get("type", "stringValue")
        if f"{place}[{number}].{key}" in failed:
            continue
        kind = field.get("type", "string") if version >= 3.3 else key.removesuffix("Value")
        yield field["name"], typed(field["name"], field.get(key), kind, index, ignore, of_json=key == "objectValue")


def _kept(version: float, json_fields: Mapping[str, Any], parameters: Parameters, dotted: bool) -> Mapping[str, Any]:
    """What stays of the item's own fields."""
    if version >= 3.3 and parameters.get("includeOtherFields") is not True:
        return {}
    include = parameters.get("include", "all")
    if include == "none":
        return {}
    if include == "all":
        return json_fields
    if include == "selected":
        return _selected(json_fields, names_in(parameters.get("includeFields", "")), dotted)
    kept = json_fields
    for name in names_in(parameters.get("excludeFields", "")):
        kept = without(kept, name) if dotted else {key: value for key, value in kept.items() if key != name}
    return kept


def _selected(json_fields: Mapping[str, Any], names: list[str], dotted: bool) -> Mapping[str, Any]:
    """Of a path only its last name stays."""
    found: dict[str, Any] = {}
    for name in names:
        value = read(json_fields, name, MISSING) if dotted else json_fields.get(name, MISSING)
        if value is not MISSING:
            found = with_value(found, name.rpartition(".")[2], value) if dotted else {**found, name: value}
    return found


def _older(call: NodeCall, index: int, item: Item, parameters: Parameters) -> Item:
    """Version 1 and 2: values by type, not validated."""
    parameters, _ = _evaluated(call, parameters)
    dotted = parameters.get("options.dotNotation", True) is not False
    json_fields: dict[str, Any] = {} if parameters.get("keepOnlySet") is True else dict(item["json"])
    for kind, default in _OLDER_KINDS.items():
        for number, field in enumerate(parameters.get(f"values.{kind}", [])):
            name, value = text_of(field.get("name", "propertyName")), field.get("value", default)
            if kind == "boolean":
                value = truthy(value)
            elif parameters.is_undefined(f"values.{kind}[{number}].value"):
                continue
            elif kind == "number" and call.node.version >= 2 and isinstance(value, str):
                found = number_of(value or 0)
                value = value if found is None else found
            json_fields = with_value(json_fields, name, value) if dotted else {**json_fields, name: value}
    made: Item = {"json": json_fields, "pairedItem": {"item": index}}
    if "binary" in item and parameters.get("keepOnlySet") is not True:
        made["binary"] = item["binary"]
    return made


_OLDER_KINDS: Final[Mapping[str, Any]] = {"boolean": False, "number": 0, "string": ""}
_EXAMPLE: Final = {"my_field_1": "value", "my_field_2": 1}
"""What n8n's editor suggests, and takes where nothing was written."""

TYPES = (NodeType(name="n8n-nodes-base.set", versions=(1, 2, 3, 3.1, 3.2, 3.3, 3.4), run=run),)
