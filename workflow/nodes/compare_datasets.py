"""Compare Datasets: what is in A only, the same, different, and in B only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs, paired
from workflow.core.paths import read, with_value, without
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import key_of, names_in, same, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    pairs: Sequence[tuple[str, str]]
    skipped: Sequence[str]
    fuzzy: bool
    every: bool
    resolve: str
    preferred: str
    excepted: Sequence[str]


def run(call: NodeCall) -> Outputs:
    left, right = (*call.inputs, (), ())[:2]
    rules = _rules(call.node.version, call.once())
    free = dict(enumerate(right))
    only_a: list[Item] = []
    equal: list[Item] = []
    different: list[Item] = []
    for index, item in enumerate(left):
        found = _matches(item, free, rules)
        if not found:
            only_a.append(item)
        for number in found:
            other = free.pop(number)
            pair = [paired(index), paired(number, 1)]
            if _equal(item, other, rules):
                equal.append(item)
            else:
                different.append({"json": _difference(item, other, rules), "pairedItem": pair})
    return [only_a, equal, different, list(free.values())]


def _rules(version: float, parameters: Parameters) -> _Rules:
    fields = parameters.get("mergeByFields.values") or []
    pairs = [(str(each.get("field1", "")), str(each.get("field2", ""))) for each in fields]
    if not pairs or not all(one and other for one, other in pairs):
        raise NodeError("You need to define at least one pair of fields in 'Fields to Match' to match on")
    fuzzy = parameters.get("fuzzyCompare", parameters.get("options.fuzzyCompare"))
    return _Rules(
        pairs=pairs,
        skipped=names_in(parameters.get("options.skipFields", "")),
        fuzzy=fuzzy is True,
        every=parameters.get("options.multipleMatches", "first") == "all",
        resolve=parameters.text("resolve", "includeBoth" if version >= 2 else "preferInput2"),
        preferred=parameters.text("preferWhenMix", "input1"),
        excepted=names_in(parameters.get("exceptWhenMix", "")),
    )


def _matches(item: Item, free: dict[int, Item], rules: _Rules) -> list[int]:
    wanted = _key(item, [one for one, _ in rules.pairs], rules)
    names = [other for _, other in rules.pairs]
    found = [number for number, other in free.items() if wanted is not None and _key(other, names, rules) == wanted]
    return found if rules.every else found[:1]


def _key(item: Item, names: Sequence[str], rules: _Rules) -> tuple[Any, ...] | None:
    values = [read(item["json"], name) for name in names]
    if all(value is None for value in values):
        return None
    return tuple(text_of(value) if rules.fuzzy else key_of(value) for value in values)


def _alike(one: Any, other: Any, rules: _Rules) -> bool:
    return text_of(one) == text_of(other) if rules.fuzzy and not isinstance(one, dict | list) else same(one, other)


def _equal(item: Item, other: Item, rules: _Rules) -> bool:
    one, two = _compared(item["json"], other["json"], rules)
    return one.keys() == two.keys() and all(_alike(value, two[name], rules) for name, value in one.items())


def _compared(one: dict[str, Any], two: dict[str, Any], rules: _Rules) -> tuple[dict[str, Any], dict[str, Any]]:
    for left, right in rules.pairs:
        one, two = without(one, left), without(two, right)
    for name in rules.skipped:
        one, two = without(one, name), without(two, name)
    return one, two


def _difference(item: Item, other: Item, rules: _Rules) -> dict[str, Any]:
    left, right = item["json"], other["json"]
    if rules.resolve == "preferInput1":
        return dict(left)
    if rules.resolve == "preferInput2":
        return dict(right)
    if rules.resolve == "mix":
        chosen, rest = (left, right) if rules.preferred == "input1" else (right, left)
        made = dict(chosen)
        for name in rules.excepted:
            made = with_value(made, name, read(rest, name))
        return made
    return _both(left, right, rules)


def _both(left: dict[str, Any], right: dict[str, Any], rules: _Rules) -> dict[str, Any]:
    one, two = _compared(left, right, rules)
    names = list(dict.fromkeys([*one, *two]))
    alike = [name for name in names if name in one and name in two and _alike(one[name], two[name], rules)]
    made: dict[str, Any] = {
        "keys": {name: read(left, name) for name, _ in rules.pairs},
        "same": {name: one[name] for name in alike},
        "different": {name: {"inputA": one.get(name), "inputB": two.get(name)} for name in names if name not in alike},
    }
    if rules.skipped:
        made["skipped"] = {name: {"inputA": read(left, name), "inputB": read(right, name)} for name in rules.skipped}
    return made


TYPES = (
    NodeType(
        name="n8n-nodes-base.compareDatasets",
        versions=(1, 2, 2.1, 2.2, 2.3),
        run=run,
        inputs=2,
        outputs=4,
        inputs_needed=lambda _: 1,
    ),
)
