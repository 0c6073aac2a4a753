"""What an `onError` and `alwaysOutputData` make of a node's outputs. Pure."""

from collections.abc import Sequence
from typing import Any

from workflow.core.failure import Failure
from workflow.core.items import Item, Items, Outputs


def always_output(outputs: Outputs, inputs: Sequence[Items]) -> Outputs:
    """One empty item, paired with all of the input, where a node would have left nothing at its first output."""
    if outputs and outputs[0]:
        return outputs
    pairs = [{"item": index, "input": 0} for index in range(len(inputs[0]) if inputs else 0)]
    return [[{"json": {}, "pairedItem": pairs}], *outputs[1:]]


def after_error(failure: Failure, inputs: Sequence[Items], outputs: int | None) -> Outputs:
    """A node threw and the execution goes on: its input passes through, or leaves by an output behind so many, with the error in it."""
    items = [{**item, "pairedItem": {"item": index}} for index, item in enumerate(inputs[0] if inputs else ())]
    if outputs is None:
        return [items]
    failed = [{**item, "json": {**item["json"], "error": failure.message}} for item in items]
    return [*([] for _ in range(outputs)), failed]


def error_output(outputs: Outputs, inputs: Sequence[Items], count: int) -> Outputs:
    """Items that carry an error move to the last output, each merged over the input item that it came from.

    As in n8n, what a node itself left at that output is lost, and what it left beyond it stays."""
    good: list[list[Item]] = [[] for _ in range(count)]
    failed: list[Item] = []
    for output, items in enumerate(outputs[:count]):
        for item in items or ():
            if _is_error(item):
                failed.append(_merged(item, inputs))
            else:
                good[output].append(item)
    return [*good, failed, *outputs[count + 1 :]]


def first_error(outputs: Outputs) -> str | None:
    """What the first item says went wrong. A node that goes on after errors is tried again for it, as n8n does."""
    first = outputs[0][0] if outputs and outputs[0] else None
    if first is None or not _is_error(first):
        return None
    error = first.get("error") or (first.get("json") or {})["error"]
    return str(error.get("message", "")) if isinstance(error, dict) else str(error)


def _is_error(item: Item) -> bool:
    """An item that says only what went wrong; one with data of its own beside `error` is data."""
    if item.get("error"):
        return True
    json = item.get("json")
    return isinstance(json, dict) and bool(json.get("error")) and json.keys() <= {"error", "message"}


def _merged(item: Item, inputs: Sequence[Items]) -> Item:
    if item.get("error"):
        return item
    return {**item, "json": {**_source_of(item.get("pairedItem"), inputs), **item.get("json", {})}}


def _source_of(pair: Any, inputs: Sequence[Items]) -> dict[str, Any]:
    if isinstance(pair, list):
        pair = pair[0] if pair else None
    if not isinstance(pair, dict):
        return {}
    items = inputs[pair.get("input", 0)] if pair.get("input", 0) < len(inputs) else ()
    index = pair.get("item", -1)
    return dict(items[index].get("json", {})) if isinstance(index, int) and 0 <= index < len(items) else {}
