"""Summarize: sums, counts and the like, for all items or for groups of them, as a pivot table does."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item, Items, Outputs
from workflow.core.paths import MISSING, read
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import is_number, key_of, names_in, text_of

_PREFIX: Final = {
    "append": "appended_",
    "average": "average_",
    "concatenate": "concatenated_",
    "count": "count_",
    "countUnique": "unique_count_",
    "max": "max_",
    "min": "min_",
    "sum": "sum_",
}
_SEPARATORS: Final = {"comma": ",", "commaAndSpace": ", ", "newLine": "\n", "none": "", "space": " "}


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    fields = parameters.get("fieldsToSummarize.values", [])
    if not fields:
        raise NodeError(
            "You need to add at least one aggregation to 'Fields to Summarize'", description="Add one, or remove the node"
        )
    dotted = parameters.get("options.disableDotNotation") is not True
    for field in fields:
        _check_exists(call, parameters, field, dotted)
    groups = _groups(call, parameters, dotted)
    rows = [(keys, _summary(fields, call.items, places, dotted), places) for keys, places in groups]
    if parameters.get("options.outputFormat", "separateItems") == "singleItem":
        return [[_single(rows)]]
    return [[_item({**keys, **values}, places) for keys, values, places in rows]]


def _check_exists(call: NodeCall, parameters: Parameters, field: Mapping[str, Any], dotted: bool) -> None:
    name = field.get("field", "")
    if not name:
        raise NodeError(f"Field to {field.get('aggregation', 'count')} is missing")
    if any(_value(item, name, dotted) is not MISSING for item in call.items):
        return
    if parameters.get("options.continueIfFieldNotFound") is not True and call.node.version < 1.1:
        raise NodeError(f"The field '{name}' does not exist in any items")
    call.hints.append(f"The field '{name}' does not exist in any items")


def _groups(call: NodeCall, parameters: Parameters, dotted: bool) -> list[tuple[dict[str, Any], list[int]]]:
    """Each group's values and the places of its items: by the first field in the order in which its values appear, then by the next."""
    return _split(call, parameters, names_in(parameters.get("fieldsToSplitBy", "")), range(len(call.items)), dotted)


def _split(
    call: NodeCall, parameters: Parameters, names: list[str], places: Iterable[int], dotted: bool
) -> list[tuple[dict[str, Any], list[int]]]:
    if not names:
        return [({}, list(places))]
    found: dict[Any, tuple[Any, list[int]]] = {}
    for place in places:
        value = _by(call, call.items[place], names[0], dotted)
        if parameters.get("options.skipEmptySplitFields") is True and (value is MISSING or value is None or value == ""):
            continue
        found.setdefault("missing" if value is MISSING else (key_of(value),), (value, []))[1].append(place)
    return [
        ({**({} if value is MISSING else {names[0].replace(".", "_"): value}), **keys}, within)
        for value, group in found.values()
        for keys, within in _split(call, parameters, names[1:], group, dotted)
    ]


def _by(call: NodeCall, item: Item, name: str, dotted: bool) -> Any:
    """Before version 1.1 as a text: what is not there, too."""
    value = _value(item, name, dotted)
    if call.node.version >= 1.1:
        return value
    return "undefined" if value is MISSING else "null" if value is None else text_of(value)


def _summary(fields: list[Mapping[str, Any]], items: Items, places: list[int], dotted: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in fields:
        kind = field.get("aggregation", "count")
        values = [_value(items[place], field["field"], dotted) for place in places]
        name = _PREFIX[kind] + field["field"].replace(".", "_").replace("[", "_").replace("]", "_")
        made[name] = _KINDS[kind]([None if value is MISSING else value for value in values], field)
    return made


def _value(item: Item, name: str, dotted: bool) -> Any:
    return read(item["json"], name, MISSING) if dotted else item["json"].get(name, MISSING)


def _filled(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None and value != ""]


def _append(values: list[Any], field: Mapping[str, Any]) -> Any:
    return values if field.get("includeEmpty") is True else _filled(values)


def _concatenate(values: list[Any], field: Mapping[str, Any]) -> Any:
    separator = field.get("separateBy", "comma")
    mark = field.get("customSeparator", "") if separator == "other" else _SEPARATORS.get(separator, separator)
    kept = values if field.get("includeEmpty") is True else _filled(values)
    return mark.join("null" if value is None else text_of(value) for value in kept)


def _numbers(values: list[Any]) -> list[Any]:
    return [value for value in values if is_number(value)]


def _total(values: list[Any]) -> Any:
    total = sum(_numbers(values))
    return int(total) if isinstance(total, float) and total.is_integer() else total


def _average(values: list[Any], _: Mapping[str, Any]) -> Any:
    found = _numbers(values)
    return sum(found) / len(found) if found else None


def _count_unique(values: list[Any], field: Mapping[str, Any]) -> Any:
    kept = values if field.get("includeEmpty") is True else _filled(values)
    return len({key_of(value) for value in kept})


def _extreme(choose: Callable[..., Any]) -> Callable[[list[Any], Mapping[str, Any]], Any]:
    def find(values: list[Any], _: Mapping[str, Any]) -> Any:
        found = _filled(values)
        try:
            return choose(found) if found else None
        except TypeError:
            raise NodeError("Values of different types cannot be compared") from None

    return find


_KINDS: Final[Mapping[str, Callable[[list[Any], Mapping[str, Any]], Any]]] = {
    "append": _append,
    "average": _average,
    "concatenate": _concatenate,
    "count": lambda values, field: len(values if field.get("includeEmpty") is True else _filled(values)),
    "countUnique": _count_unique,
    "max": _extreme(max),
    "min": _extreme(min),
    "sum": lambda values, _: _total(values),
}


def _item(fields: dict[str, Any], places: list[int]) -> Item:
    return {"json": fields, "pairedItem": [{"item": place} for place in places]}


def _single(rows: list[tuple[dict[str, Any], dict[str, Any], list[int]]]) -> Item:
    """All groups in one item, nested by the values that they are split by."""
    made: dict[str, Any] = {}
    for keys, values, _ in rows:
        level = made
        for value in keys.values():
            level = level.setdefault(text_of(value) if value is not None else "null", {})
        level.update(values)
    return _item(made, sorted(place for *_, places in rows for place in places))


TYPES = (NodeType(name="n8n-nodes-base.summarize", versions=(1, 1.1), run=run),)
