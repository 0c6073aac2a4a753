"""Rename Keys: fields get other names, one by one or by regular expression."""

import re
from collections.abc import Mapping
from typing import Any

from workflow.expressions.parameters import Parameters
from workflow.failure import NodeError
from workflow.items import Item, Outputs
from workflow.nodes.contract import NodeCall, NodeType, each_item
from workflow.nodes.values import text_of
from workflow.paths import MISSING, read, with_value, without


def run(call: NodeCall) -> Outputs:
    return [each_item(call, _made)]


def _made(_: int, item: Item, parameters: Parameters) -> Item:
    fields: dict[str, Any] = dict(item["json"])
    for pair in parameters.get("keys.key", []):
        fields = _renamed(fields, str(pair.get("currentKey", "")), text_of(pair.get("newKey", "")))
    for rule in parameters.get("additionalOptions.regexReplacement.replacements", []):
        fields = _replaced(fields, rule)
    return {**item, "json": fields}


def _renamed(fields: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    value = read(fields, old, MISSING)
    if not old or not new or old == new or value is MISSING:
        return fields
    return without(with_value(fields, new, value), old)


def _replaced(fields: dict[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    options = rule.get("options") or {}
    flags = re.IGNORECASE if options.get("caseInsensitive") is True else 0
    try:
        pattern = re.compile(str(rule.get("searchRegex", "")), flags)
    except re.error as error:
        raise NodeError(f"The regular expression {rule.get('searchRegex')!r} is not valid: {error}") from None
    replacement = re.sub(r"\$(\d+)", r"\\g<\1>", str(rule.get("replaceRegex", "")).replace("\\", r"\\"))
    found: dict[str, Any] = _deep(fields, pattern, replacement, int(options.get("depth", -1)))
    return found


def _deep(value: Any, pattern: re.Pattern[str], replacement: str, depth: int) -> Any:
    if isinstance(value, dict):
        inner = {key: each if depth == 0 else _deep(each, pattern, replacement, depth - 1) for key, each in value.items()}
        return {pattern.sub(replacement, key): each for key, each in inner.items()}
    if isinstance(value, list) and depth != 0:
        return [_deep(each, pattern, replacement, depth - 1) for each in value]
    return value


TYPES = (NodeType(name="n8n-nodes-base.renameKeys", versions=(1,), run=run),)
