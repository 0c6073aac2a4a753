"""What differs between two documents, and one that has the changes of two people. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from bus.messages import Message
from gui.workflows.document import Document, Link, free_name, links_of, nodes_of, with_links


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Difference(Message):
    """One thing that is not the same. `fields`: of a node, or of the settings."""

    kind: Kind
    what: str
    name: str
    fields: tuple[str, ...] = ()


_APART: Final = frozenset({"nodes", "connections"})
_UNSAID: Final = frozenset({"id", "versionId", "updatedAt", "createdAt", "meta"})
"""What n8n counts up by itself."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    return (*_of_nodes(before, after), *_of_links(before, after), *_of_rest(before, after))


def _of_nodes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    old, new = _keyed(before), _keyed(after)
    found = [Difference(kind=Kind.REMOVED, what="node", name=old[key]["name"]) for key in old if key not in new]
    found += [Difference(kind=Kind.ADDED, what="node", name=new[key]["name"]) for key in new if key not in old]
    for key in new:
        if key in old and (fields := _fields(old[key], new[key])):
            found.append(Difference(kind=Kind.CHANGED, what="node", name=_renamed(old[key], new[key]), fields=fields))
    return found


def _renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    was, name = old["name"], new["name"]
    return str(name) if was == name else f"{name} (was {was})"


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name))


def _of_links(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """By the nodes and not by their names: a rename moves no connection."""
    old, new = _keyed_links(before), _keyed_links(after)
    was, now = _names(before), _names(after)
    gone = [Difference(kind=Kind.REMOVED, what="connection", name=_told(link, was)) for link in old if link not in new]
    return gone + [Difference(kind=Kind.ADDED, what="connection", name=_told(link, now)) for link in new if link not in old]


def _told(link: Link, names: Mapping[str, str]) -> str:
    return f"{names[link.source]} → {names[link.target]}" + ("" if link.type == "main" else f" ({link.type})")


def _names(document: Mapping[str, Any]) -> dict[str, str]:
    return {key: node["name"] for key, node in _keyed(document).items()}


def _of_rest(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    names = [name for name in dict.fromkeys((*before, *after)) if name not in _APART | _UNSAID]
    return [
        Difference(kind=Kind.CHANGED, what="workflow", name=name)
        for name in names
        if (before.get(name) or None) != (after.get(name) or None)
    ]


def merged(base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[Document, tuple[str, ...]]:
    """Both changes of `base`, and what both changed differently: there, mine stands."""
    clashes: list[str] = []
    whole = {
        name: _either(base.get(name), mine.get(name), theirs.get(name), f"the workflow's {name}", clashes)
        for name in dict.fromkeys((*theirs, *mine))
        if name not in _APART
    }
    nodes = _merged_nodes(_keyed(base), _keyed(mine), _keyed(theirs), clashes)
    document: Document = {name: value for name, value in whole.items() if value is not None}
    _part(nodes, clashes)
    document["nodes"] = list(nodes.values())
    links = _merged_links(base, mine, theirs)
    names = {key: node["name"] for key, node in nodes.items()}
    named = [
        Link(names[k.source], k.type, k.output, names[k.target], k.target_type, k.input)
        for k in links
        if k.source in names and k.target in names
    ]
    return with_links(document, named), tuple(clashes)


def _part(nodes: dict[str, dict[str, Any]], clashes: list[str]) -> None:
    """Two may have given one name to two nodes: the later one's gets another."""
    seen: Document = {"nodes": []}
    for key, node in nodes.items():
        name = free_name(seen, node["name"])
        if name != node["name"]:
            clashes.append(f"the name {node['name']!r}, which two nodes have now; one is called {name!r}")
            nodes[key] = {**node, "name": name}
        seen["nodes"].append(nodes[key])


def _merged_nodes(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any], clashes: list[str]
) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for key in dict.fromkeys((*mine, *theirs)):
        old, my, their = base.get(key), mine.get(key), theirs.get(key)
        if my is not None and their is not None:
            fields = dict.fromkeys((*their, *my))
            name = my["name"]
            both = {f: _either((old or {}).get(f), my.get(f), their.get(f), f"{f} of {name!r}", clashes) for f in fields}
            made[key] = {f: value for f, value in both.items() if value is not None}
            continue
        left = my if my is not None else their
        if left is not None and (old is None or left != old):  # added by one, or changed by one and removed by the other
            made[key] = dict(left)
            if old is not None:
                clashes.append(f"{left['name']!r}, which one changed and the other removed; it is kept")
    return made


def _either(base: Any, mine: Any, theirs: Any, what: str, clashes: list[str]) -> Any:
    if mine == theirs or theirs == base:
        return mine
    if mine == base:
        return theirs
    clashes.append(what)
    return mine


def _merged_links(base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[Link]:
    old, my, their = _keyed_links(base), _keyed_links(mine), _keyed_links(theirs)
    kept = [link for link in my if link in their or link not in old]
    return kept + [link for link in their if link not in my and link not in old]


def _keyed(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By id, which a rename does not change; by name where it has none."""
    return {str(node.get("id") or node["name"]): node for node in nodes_of(document)}


def _keyed_links(document: Mapping[str, Any]) -> list[Link]:
    keys = {node["name"]: key for key, node in _keyed(document).items()}
    return [
        Link(keys[k.source], k.type, k.output, keys[k.target], k.target_type, k.input)
        for k in links_of(document)
        if k.source in keys and k.target in keys
    ]
