"""Values in an address or a form, as n8n writes them: what is in a list or an object has a name of its own, `a[0]`, `a[b]`. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from workflow.nodes.values import text_of

Pairs = list[tuple[str, Any]]
_LISTS: Final = {"repeat": "{name}", "brackets": "{name}[]", "indices": "{name}[{index}]"}
"""What an element of a list is called."""


def query_text(fields: Any, lists: str = "indices") -> str:
    """`a=1&b%5B0%5D=x`. `lists`: one of `repeat`, `brackets`, `indices`. An empty list or object leaves nothing."""
    named = fields.items() if isinstance(fields, Mapping) else ((str(index), each) for index, each in enumerate(fields))
    flat = (pair for name, value in named for pair in _flat(name, value, _LISTS.get(lists, _LISTS["indices"])))
    return "&".join(f"{_quoted(name)}={_quoted(text_of(value))}" for name, value in flat)


def last_of_each(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A name that comes again counts as it was given last."""
    return dict(pairs)


def all_of_each(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A name that comes again is a list, as in the query of the node's first versions."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        else:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
    return found


def read_query(text: str) -> dict[str, Any]:
    return last_of_each(parse_qsl(text, keep_blank_values=True))


def _flat(name: str, value: Any, lists: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        inner = [(f"{name}[{key}]", each) for key, each in value.items()]
    elif isinstance(value, list):
        inner = [(lists.format(name=name, index=index), each) for index, each in enumerate(value)]
    else:
        yield name, value
        return
    for each, found in inner:
        yield from _flat(each, found, lists)


def _quoted(text: str) -> str:
    return quote(text, safe="")
