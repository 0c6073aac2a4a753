"""Two items into one, and what happens to fields that both have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow.core.items import Item


@dataclass(frozen=True, slots=True)
class Clash:
    """`resolve`: `preferInput1`, `preferInput2`, `preferLast`, or `addSuffix` (`_1`, `_2`)."""

    resolve: str = "preferInput2"
    deep: bool = True
    override_empty: bool = False
    """Only with a preference: an empty value of the preferred input gives way to one of the other that is not."""


def merged_item(left: Item, right: Item, clash: Clash) -> Item:
    """Paired with both, the preferred one last. Binary fields of the preferred input win."""
    pairs = _pairs(right, left) if clash.resolve == "preferInput1" else _pairs(left, right)
    made: Item = {"json": merged(left["json"], right["json"], clash), "pairedItem": pairs}
    binary = {**(left.get("binary") or {}), **(right.get("binary") or {})}
    return {**made, "binary": binary} if binary else made


def _pairs(left: Item, right: Item) -> list[Any]:
    return [
        pair
        for item in (left, right)
        for pair in (item["pairedItem"] if isinstance(item["pairedItem"], list) else [item["pairedItem"]])
    ]


def merged(left: Mapping[str, Any], right: Mapping[str, Any], clash: Clash) -> dict[str, Any]:
    if clash.resolve == "addSuffix":
        return {**suffixed(left, 1), **suffixed(right, 2)}
    if clash.resolve == "preferInput1":
        return _laid_over(right, left, clash)
    return _laid_over(left, right, clash)


def suffixed(fields: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {f"{name}_{number}": value for name, value in fields.items()}


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any], clash: Clash) -> dict[str, Any]:
    made = dict(below)
    for name, value in above.items():
        under = made.get(name)
        if clash.deep and isinstance(value, Mapping) and isinstance(under, Mapping):
            made[name] = _laid_over(under, value, clash)
        elif not (clash.override_empty and (value is None or value == "") and under is not None):
            made[name] = value
    return made
