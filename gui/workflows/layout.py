"""Places for all nodes, from left to right as items flow, with helpers below what they are attached to. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from gui.workflows.document import MAIN, STICKY, Document, links_of, moved, nodes_of

COLUMN: Final = 240
ROW: Final = 160
BELOW: Final = 200
"""Pixels of the canvas between neighbours: columns, rows, and a helper below its node."""


def laid_out(document: Mapping[str, Any]) -> Document:
    """Sticky notes stay where they are."""
    names = [node["name"] for node in nodes_of(document) if node.get("type") != STICKY]
    links = [
        link for link in links_of(document) if link.source in names and link.target in names and link.source != link.target
    ]
    helpers = {link.source: link.target for link in links if link.type != MAIN}
    main = [(link.source, link.target) for link in links if link.type == MAIN]
    columns = _columns([name for name in names if name not in helpers], main)
    places = _rows(columns, main, _widths(helpers))
    _below(places, helpers, names)
    return moved(document, places)


def _columns(names: list[str], links: list[tuple[str, str]]) -> dict[str, int]:
    """The longest way from a beginning; a link that closes a loop does not count."""
    after: dict[str, list[str]] = {name: [] for name in names}
    for source, target in links:
        if source in after and target in after:
            after[source].append(target)
    forward = _without_loops(names, after)
    column = dict.fromkeys(names, 0)
    for name in _in_order(names, forward):
        for target in forward[name]:
            column[target] = max(column[target], column[name] + 1)
    return column


def _without_loops(names: list[str], after: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Depth first; iterative, since a workflow may be a chain of thousands."""
    kept: dict[str, list[str]] = {name: [] for name in names}
    state: dict[str, int] = {}
    for first in names:
        if first in state:
            continue
        state[first] = 1
        stack = [(first, iter(after[first]))]
        while stack:
            name, rest = stack[-1]
            target = next(rest, None)
            if target is None:
                state[name] = 2
                stack.pop()
            elif state.get(target) != 1:
                kept[name].append(target)
                if target not in state:
                    state[target] = 1
                    stack.append((target, iter(after[target])))
    return kept


def _in_order(names: list[str], after: Mapping[str, list[str]]) -> list[str]:
    waits = dict.fromkeys(names, 0)
    for targets in after.values():
        for target in targets:
            waits[target] += 1
    order = [name for name in names if not waits[name]]
    for name in order:
        for target in after[name]:
            waits[target] -= 1
            if not waits[target]:
                order.append(target)
    return order


def _widths(helpers: Mapping[str, str]) -> dict[str, int]:
    """Further rows that a node with helpers needs below it."""
    return dict.fromkeys(helpers.values(), 1)


def _rows(columns: Mapping[str, int], links: list[tuple[str, str]], more: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """In each column by the mean of what leads there, so that lines cross little."""
    places: dict[str, tuple[float, float]] = {}
    for column in range(max(columns.values(), default=-1) + 1):
        names = [name for name, at in columns.items() if at == column]
        wish = {name: [places[s][1] for s, t in links if t == name and s in places] for name in names}
        centre = {name: sum(found) / len(found) if found else None for name, found in wish.items()}
        names.sort(key=lambda name: _or(centre[name], float("inf")))
        free = float("-inf")
        for name in names:
            wanted = centre[name]
            y = max(free, wanted if wanted is not None else (0.0 if free == float("-inf") else free))
            places[name] = (column * COLUMN, y)
            free = y + ROW + more.get(name, 0) * BELOW
    return places


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _below(places: dict[str, tuple[float, float]], helpers: Mapping[str, str], names: list[str]) -> None:
    """Helpers of helpers stand below those; in a ring of helpers the first stands alone."""
    left = [name for name in names if name in helpers]
    count: dict[str, int] = {}
    while left:
        name = next((each for each in left if helpers[each] in places), left[0])
        left.remove(name)
        x, y = places.get(helpers[name], (0.0, 0.0))
        number = count[helpers[name]] = count.get(helpers[name], -1) + 1
        places[name] = (x + number * 120 - 60, y + BELOW)
