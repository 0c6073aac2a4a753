"""Rename Keys: fields get other names, one by one or by regular expression."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from workflow.core.items import Item, Outputs
from workflow.core.paths import MISSING, read, with_value, without
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType, each_item
from workflow.nodes.patterns import replaced
from workflow.nodes.values import text_of


def run(call: NodeCall) -> Outputs:
    return [each_item(call, partial(_made, call))]


def _made(call: NodeCall, _: int, item: Item, parameters: Parameters) -> Item:
    fields: dict[str, Any] = dict(item["json"])
    for pair in parameters.get("keys.key", []):
        fields = _renamed(fields, str(pair.get("currentKey", "")), text_of(pair.get("newKey", "")))
    for rule in parameters.get("additionalOptions.regexReplacement.replacements", []):
        fields = _replaced(call, fields, rule)
    return {**item, "json": fields}


def _renamed(fields: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    value = read(fields, old, MISSING)
    if not old or not new or old == new or value is MISSING:
        return fields
    return without(with_value(fields, new, value), old)


def _replaced(call: NodeCall, fields: dict[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    options = rule.get("options") or {}
    depth, ignore_case = int(options.get("depth", -1)), options.get("caseInsensitive") is True
    pattern, replacement = str(rule.get("searchRegex", "")), str(rule.get("replaceRegex", ""))
    names = replaced(call, dict.fromkeys(_names(fields, depth)), pattern, replacement, ignore_case=ignore_case)
    found: dict[str, Any] = _deep(fields, names, depth)
    return found


def _names(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    if depth != 0 and isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _names(each, depth - 1)


def _deep(value: Any, names: Mapping[str, str], depth: int) -> Any:
    if isinstance(value, dict):
        return {names[key]: each if depth == 0 else _deep(each, names, depth - 1) for key, each in value.items()}
    if isinstance(value, list) and depth != 0:
        return [_deep(each, names, depth - 1) for each in value]
    return value


TYPES = (NodeType(name="n8n-nodes-base.renameKeys", versions=(1,), run=run),)
