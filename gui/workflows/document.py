"""Edits of n8n's document as functions of values. Pure: what is given stays as it was, and what nobody asked for is kept as it stands."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from bus.errors import InvalidRequest
from gui.workflows.mentions import with_name

Document = dict[str, Any]

MAIN: Final = "main"
STICKY: Final = "n8n-nodes-base.stickyNote"
GRID: Final = 20
BESIDE: Final = 40
"""How far a copy stands from what it was made of, in pixels of the canvas."""


@dataclass(frozen=True, slots=True)
class Link:
    """From an output to an input; `type` is `main` or the kind of helper, on both sides as n8n writes it."""

    source: str
    type: str
    output: int
    target: str
    target_type: str
    input: int


def nodes_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = document.get("nodes")
    return [node for node in found if isinstance(node, dict) and "name" in node] if isinstance(found, list) else []


def node_named(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """InvalidRequest where there is none."""
    for node in nodes_of(document):
        if node["name"] == name:
            return node
    raise InvalidRequest(f"The workflow has no node {name!r}; somebody may have renamed or removed it.")


def links_of(document: Mapping[str, Any]) -> list[Link]:
    """In the document's order. What is not of n8n's form is passed over."""
    found: list[Link] = []
    for source, kinds in (document.get("connections") or {}).items():
        for kind, outputs in kinds.items() if isinstance(kinds, dict) else ():
            for output, targets in enumerate(outputs or ()):
                found.extend(
                    Link(source, kind, output, str(t["node"]), str(t.get("type") or kind), int(t.get("index") or 0))
                    for t in targets or ()
                    if isinstance(t, dict) and "node" in t
                )
    return found


def with_links(document: Mapping[str, Any], links: Iterable[Link]) -> Document:
    connections: dict[str, dict[str, list[list[dict[str, Any]]]]] = {}
    for link in dict.fromkeys(links):
        outputs = connections.setdefault(link.source, {}).setdefault(link.type, [])
        outputs.extend([] for _ in range(link.output + 1 - len(outputs)))
        outputs[link.output].append({"node": link.target, "type": link.target_type, "index": link.input})
    return {**document, "connections": connections}


def free_name(document: Mapping[str, Any], wish: str) -> str:
    """`wish`, or the first of `wish1`, `wish2` … that no node has."""
    taken = {node["name"] for node in nodes_of(document)}
    base, number, name = wish.rstrip("0123456789") or wish, 0, wish
    while name in taken:
        number += 1
        name = f"{base}{number}"
    return name


def with_node(document: Mapping[str, Any], node: Mapping[str, Any]) -> Document:
    """Its name is made free, and it is given an id of its own."""
    made = {**node, "id": str(uuid4()), "name": free_name(document, str(node["name"]))}
    return {**document, "nodes": [*nodes_of(document), made]}


def moved(document: Mapping[str, Any], positions: Mapping[str, Sequence[float]]) -> Document:
    def place(node: dict[str, Any]) -> dict[str, Any]:
        at = positions.get(node["name"])
        return node if at is None else {**node, "position": [round(at[0]), round(at[1])]}

    return {**document, "nodes": [place(node) for node in nodes_of(document)]}


def without(document: Mapping[str, Any], names: Iterable[str]) -> Document:
    """Without the nodes, their connections and what is pinned to them."""
    gone = set(names)
    kept = [link for link in links_of(document) if link.source not in gone and link.target not in gone]
    pins = {name: items for name, items in (document.get("pinData") or {}).items() if name not in gone}
    left = {**document, "nodes": [node for node in nodes_of(document) if node["name"] not in gone]}
    return with_links({**left, "pinData": pins} if "pinData" in document else left, kept)


def connected(document: Mapping[str, Any], link: Link) -> Document:
    """InvalidRequest for a connection between unlike kinds, to nothing, or to itself."""
    node_named(document, link.source), node_named(document, link.target)
    if link.type != link.target_type:
        raise InvalidRequest(f"An output of kind {link.type} does not fit an input of kind {link.target_type}.")
    if link.type != MAIN and link.source == link.target:
        raise InvalidRequest("A node cannot be attached to itself.")
    return with_links(document, [*links_of(document), link])


def disconnected(document: Mapping[str, Any], gone: Iterable[Link]) -> Document:
    lost = set(gone)
    return with_links(document, [link for link in links_of(document) if link not in lost])


def renamed(document: Mapping[str, Any], old: str, new: str) -> Document:
    """With every connection, pin and expression that names it. InvalidRequest for a name that is taken or empty."""
    new = new.strip()
    node_named(document, old)
    if not new or (new != old and any(node["name"] == new for node in nodes_of(document))):
        raise InvalidRequest(f"Another node is called {new!r}; names are unique." if new else "A node needs a name.")
    nodes = [{**with_name(node, old, new), "name": new if node["name"] == old else node["name"]} for node in nodes_of(document)]

    def name(value: str) -> str:
        return new if value == old else value

    links = [Link(name(k.source), k.type, k.output, name(k.target), k.target_type, k.input) for k in links_of(document)]
    changed = {**document, "nodes": nodes}
    if document.get("pinData"):
        changed["pinData"] = {name(key): items for key, items in document["pinData"].items()}
    return with_links(changed, links)


def changed(document: Mapping[str, Any], name: str, fields: Mapping[str, Any]) -> Document:
    """The node with these fields; one that is None goes. Its name and id are not among them."""
    node_named(document, name)
    wanted = {key: value for key, value in fields.items() if key not in ("name", "id")}

    def change(node: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in {**node, **wanted}.items() if value is not None}

    return {**document, "nodes": [change(node) if node["name"] == name else node for node in nodes_of(document)]}


def without_rule(document: Mapping[str, Any], name: str, rule: int) -> Document:
    """Of a Switch: without one of its rules and what was connected to that output. Connections of the outputs after it move up with theirs."""
    parameters = node_named(document, name).get("parameters") or {}
    held = parameters.get("rules") or {}
    where = "values" if held.get("values") else "rules"  # before version 3
    rules = held.get(where) or []
    if not 0 <= rule < len(rules):
        raise InvalidRequest(f"{name!r} has no rule {rule + 1}.")
    left = {**parameters, "rules": {**held, where: [*rules[:rule], *rules[rule + 1 :]]}}
    fallback = parameters.get("fallbackOutput")  # before version 3 the number of an output, which moves up too
    if isinstance(fallback, int) and fallback >= rule:
        left["fallbackOutput"] = fallback - 1 if fallback > rule else -1

    def own(link: Link) -> bool:
        return link.source == name and link.type == MAIN

    kept = [link for link in links_of(document) if not own(link) or link.output != rule]
    moved_up = (replace(k, output=k.output - 1) if own(k) and k.output > rule else k for k in kept)
    return with_links(changed(document, name, {"parameters": left}), moved_up)


def pinned(document: Mapping[str, Any], name: str, items: Sequence[Any] | None) -> Document:
    node_named(document, name)
    pins = {key: value for key, value in (document.get("pinData") or {}).items() if key != name}
    return {**document, "pinData": pins if items is None else {**pins, name: list(items)}}


def fragment(document: Mapping[str, Any], names: Iterable[str]) -> Document:
    """As n8n's canvas copies: the nodes and the connections between them."""
    wanted = set(names)
    links = [link for link in links_of(document) if link.source in wanted and link.target in wanted]
    return with_links({"nodes": [node for node in nodes_of(document) if node["name"] in wanted]}, links)


def pasted(
    document: Mapping[str, Any], piece: Mapping[str, Any], at: Sequence[float] | None = None
) -> tuple[Document, list[str]]:
    """The document with the piece, under free names, and those names. `at`: where its upper left goes; None: a little beside."""
    coming = nodes_of(piece)
    if not coming:
        raise InvalidRequest("There is no node in it. Copy nodes on a canvas, or a workflow's JSON.")
    places = [_position(node) for node in coming]
    left, top = min(x for x, _ in places), min(y for _, y in places)
    dx, dy = (BESIDE, BESIDE) if at is None else (round(at[0]) - left, round(at[1]) - top)
    made: Document = dict(document)
    piece = _apart(document, piece)
    for node, (x, y) in zip(nodes_of(piece), places, strict=True):
        made = with_node(made, {**node, "position": [x + dx, y + dy]})
    return with_links(made, [*links_of(document), *links_of(piece)]), [node["name"] for node in nodes_of(piece)]


def _apart(document: Mapping[str, Any], piece: Mapping[str, Any]) -> Document:
    """The piece with names that neither it nor the document has twice."""
    apart: Document = {"nodes": nodes_of(piece), "connections": piece.get("connections") or {}}
    for node in nodes_of(piece):
        name = node["name"]
        both = {"nodes": [*nodes_of(document), *(n for n in nodes_of(apart) if n["name"] != name)]}
        free = free_name(both, name)
        if free != name:
            apart = renamed(apart, name, free)
    return apart


def read(text: str) -> Document:
    """A workflow or a piece of one as n8n writes it. InvalidRequest for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        raise InvalidRequest(
            "This is not JSON. Copy nodes on a canvas, or download a workflow in n8n, and give that."
        ) from None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict) or not isinstance(found.get("nodes"), list):
        raise InvalidRequest("This JSON is no workflow: it has no list `nodes`.")
    return found


def _position(node: Mapping[str, Any]) -> tuple[int, int]:
    at = node.get("position")
    try:
        return (round(at["x"]), round(at["y"])) if isinstance(at, dict) else (round(at[0]), round(at[1]))  # type: ignore[index]
    except (KeyError, TypeError, ValueError, IndexError):
        return (0, 0)
