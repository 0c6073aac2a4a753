"""Combining two inputs by matching fields, as a join of two tables does it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from workflow.core.items import Item, Items
from workflow.core.paths import MISSING, read
from workflow.nodes.merging import Clash, merged_item, suffixed
from workflow.nodes.values import key_of, number_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`pairs`: fields of the first and second input that must be equal. `every`: all matches of an item, or its first."""

    pairs: Sequence[tuple[str, str]]
    join: str = "keepMatches"
    output: str = "both"
    clash: Clash = field(default_factory=Clash)
    dotted: bool = True
    fuzzy: bool = False
    every: bool = True


def combine(left: Items, right: Items, rules: Rules) -> list[Item]:
    matches, lonely_left, lonely_right = _match(left, right, rules)
    if rules.join == "keepNonMatches":
        return _non_matches([left[n] for n in lonely_left], [right[n] for n in lonely_right], rules.output)
    if rules.join == "keepMatches" and rules.output != "both":
        return _one_side(left, right, matches, rules.output)
    merged = {one: [merged_item(left[one], right[n], rules.clash) for n in others] for one, others in matches.items()}
    found = [item for items in merged.values() for item in items]
    if rules.join in ("enrichInput1", "keepEverything"):
        found += [_alone(left[n], 1, rules.clash) for n in lonely_left]
    if rules.join in ("enrichInput2", "keepEverything"):
        found += [_alone(right[n], 2, rules.clash) for n in lonely_right]
    return found


def _match(left: Items, right: Items, rules: Rules) -> tuple[dict[int, list[int]], list[int], list[int]]:
    """By place in the first input the places in the second that match; then those of each that match nothing."""
    index: dict[Any, list[int]] = {}
    for place, item in enumerate(right):
        key = _key(item, [other for _, other in rules.pairs], rules)
        if key is not None:
            index.setdefault(key, []).append(place)
    matches: dict[int, list[int]] = {}
    matched: set[int] = set()
    for place, item in enumerate(left):
        key = _key(item, [one for one, _ in rules.pairs], rules)
        found = index.get(key, []) if key is not None else []
        if found:
            matches[place] = found if rules.every else found[:1]
            matched.update(matches[place])
    lonely_left = [place for place in range(len(left)) if place not in matches]
    return matches, lonely_left, [place for place in range(len(right)) if place not in matched]


def _key(item: Item, names: list[str], rules: Rules) -> Any:
    """None where a field is missing: such an item matches nothing."""
    values = [read(item["json"], name, MISSING) if rules.dotted else item["json"].get(name, MISSING) for name in names]
    if any(value is MISSING for value in values):
        return None
    return tuple(key_of(_fuzzy(value) if rules.fuzzy else value) for value in values)


def _fuzzy(value: Any) -> Any:
    """Texts of numbers count as numbers, and all that is empty is equal."""
    if value in (None, "", 0, False) or value in ("false", "0", [], {}):
        return None
    if value in (True, "true"):
        return "true"
    number = number_of(value) if isinstance(value, str | int | float) else None
    return float(number) if number is not None else value


def _one_side(left: Items, right: Items, matches: dict[int, list[int]], output: str) -> list[Item]:
    if output == "input1":
        return [left[place] for place in matches]
    places = sorted({place for others in matches.values() for place in others})
    return [right[place] for place in places]


def _non_matches(left: list[Item], right: list[Item], output: str) -> list[Item]:
    if output == "input1":
        return left
    if output == "input2":
        return right
    sides = ((left, "input1"), (right, "input2"))
    return [{**item, "json": {**item["json"], "_source": name}} for items, name in sides for item in items]


def _alone(item: Item, number: int, clash: Clash) -> Item:
    return {**item, "json": suffixed(item["json"], number)} if clash.resolve == "addSuffix" else item
