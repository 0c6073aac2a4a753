"""Edit Fields (Set): gives items new fields, by hand or as JSON, on top of all, some or none of those that they had."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import json_repair

from workflow.expressions.parameters import Parameters
from workflow.failure import NodeError
from workflow.items import Item, Outputs
from workflow.nodes.contract import NodeCall, NodeType, each_item
from workflow.nodes.values import boolean_of, json_text, names_in, number_of, parsed, text_of
from workflow.paths import MISSING, read, with_value, without


def run(call: NodeCall) -> Outputs:
    if call.node.version < 3:
        return [
            [
                _older(index, item, parameters)
                for index, (item, parameters) in enumerate(zip(call.items, call.each(), strict=True))
            ]
        ]
    raw = call.node.parameters.get("mode") == "raw"
    make = each_item(call, lambda index, item, parameters: _made(call, index, item, parameters, raw))
    if call.node.parameters.get("duplicateItem") is True:
        copies = 1 + int(call.once().get("duplicateCount", 0))
        return [[item for item in make for _ in range(copies)]]
    return [make]


def _made(call: NodeCall, index: int, item: Item, parameters: Parameters, raw: bool) -> Item:
    dotted = parameters.get("options.dotNotation", True) is not False
    fields = _raw(parameters, index) if raw else _fields(call.node.version, parameters, index)
    json_fields = dict(_kept(call.node.version, item["json"], parameters, dotted))
    for name, value in fields:
        if dotted and not raw and ("." in name or "[" in name):
            json_fields = with_value(json_fields, name, value)
        else:
            json_fields[name] = value
    made: Item = {"json": json_fields, "pairedItem": {"item": index}}
    if "binary" in item and _keeps_binary(call.node.version, parameters):
        made["binary"] = item["binary"]
    return made


def _keeps_binary(version: float, parameters: Parameters) -> bool:
    if version >= 3.4:
        return parameters.get("includeOtherFields") is True and parameters.get("options.stripBinary") is not True
    return parameters.get("options.includeBinary", True) is not False


def _raw(parameters: Parameters, index: int) -> Iterable[tuple[str, Any]]:
    if parameters.is_undefined("jsonOutput"):
        raise NodeError("Cannot convert undefined or null to object", item=index)
    given = parameters.get("jsonOutput", {})
    if isinstance(given, str):
        try:
            given = _lenient(given)
        except ValueError as error:
            raise NodeError(
                f"The 'JSON Output' in item {index} does not contain a valid JSON object", description=str(error), item=index
            ) from None
    if not isinstance(given, Mapping):
        raise NodeError(f"The 'JSON Output' in item {index} does not contain a valid JSON object", item=index)
    return given.items()


def _lenient(text: str) -> Any:
    """n8n takes JSON with line breaks in its texts, single quotes, bare names, comments and a comma too many, as people write it."""
    try:
        return json.loads(text)
    except ValueError:
        if (text.strip()[:1], text.strip()[-1:]) not in (("{", "}"), ("[", "]")):  # half of a text is not made whole
            raise
        return json_repair.loads(_UNDEFINED.sub("null", text), strict=True)


_UNDEFINED: Final = re.compile(r"(?<=[:\[,])\s*undefined(?=\s*[,\]}])")


def _fields(version: float, parameters: Parameters, index: int) -> Iterable[tuple[str, Any]]:
    ignore = parameters.get("options.ignoreConversionErrors") is True
    if version >= 3.3:
        for field in parameters.get("assignments.assignments", []):
            yield field["name"], typed(field["name"], field.get("value"), field.get("type", "string"), index, ignore)
        return
    for field in parameters.get("fields.values", []):
        key = field.get("type", "stringValue")
        yield field["name"], typed(field["name"], field.get(key), key.removesuffix("Value"), index, ignore)


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
    found: dict[str, Any] = {}
    for name in names:
        value = read(json_fields, name, MISSING) if dotted else json_fields.get(name, MISSING)
        if value is not MISSING:
            found = with_value(found, name, value) if dotted else {**found, name: value}
    return found


_CONVERTERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "number": number_of,
    "boolean": boolean_of,
    "array": lambda value: parsed(value, list),
    "object": lambda value: parsed(value, dict),
}


def typed(name: str, value: Any, kind: str, index: int, ignore: bool) -> Any:
    """The value as the field's type says. Nothing stays nothing. Raises `NodeError`, unless conversion errors are ignored."""
    if value is None:
        return None
    if kind == "string":
        return json_text(value) if isinstance(value, list | dict) else text_of(value)
    convert = _CONVERTERS.get(kind)
    if convert is None:
        return value
    found = convert(value)
    if found is not None:
        return found
    if ignore:
        return value
    article = "an" if kind in ("array", "object") else "a"
    shown = json_text(value) if isinstance(value, list | dict) else text_of(value)
    raise NodeError(
        f"'{name}' expects {article} {kind} but we got '{shown}' [item {index}]",
        description="To fix the error try to change the type for the field, or activate the option “Ignore Type Conversion Errors”",
        item=index,
    )


def _older(index: int, item: Item, parameters: Parameters) -> Item:
    """Version 1 and 2: values by type, not validated."""
    dotted = parameters.get("options.dotNotation", True) is not False
    json_fields: dict[str, Any] = {} if parameters.get("keepOnlySet") is True else dict(item["json"])
    for kind in ("boolean", "number", "string"):
        for number, field in enumerate(parameters.get(f"values.{kind}", [])):
            if parameters.is_undefined(f"values.{kind}[{number}].value"):
                continue
            name, value = field.get("name", "propertyName"), field.get("value")
            if kind == "number":
                value = number_of(value) if number_of(value) is not None else value
            json_fields = with_value(json_fields, name, value) if dotted else {**json_fields, name: value}
    made: Item = {"json": json_fields, "pairedItem": {"item": index}}
    if "binary" in item and parameters.get("keepOnlySet") is not True:
        made["binary"] = item["binary"]
    return made


TYPES = (NodeType(name="n8n-nodes-base.set", versions=(1, 2, 3, 3.1, 3.2, 3.3, 3.4), run=run),)
