"""Dot paths as n8n writes them: `a.b[0].c`. One place for reading, setting and removing; a path that leads nowhere gives a default."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_STEP: Final = re.compile(r"""\[\s*(?:(\d+)|"([^"]*)"|'([^']*)')\s*\]|([^.\[\]]+)|(?=\.(?:\.|$))|^(?=\.)""")
MISSING: Final = object()


@lru_cache(maxsize=4096)
def steps(path: str) -> tuple[str | int, ...]:
    """`a.b[0]["c d"]` → `("a", "b", 0, "c d")`. A number between dots is an index too, where it meets a list; between two dots is an empty name."""
    found: list[str | int] = []
    for index, double, single, name in _STEP.findall(path):
        found.append(int(index) if index else double or single or name)
    return tuple(found)


def read(value: Any, path: str, default: Any = None) -> Any:
    """The value at a path; a key that has dots of its own wins over the path."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    for step in steps(path):
        value = _child(value, step)
        if value is MISSING:
            return default
    return value


def _child(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(str(step), MISSING)
    if isinstance(value, list | tuple):
        index = step if isinstance(step, int) else int(step) if step.isdigit() else -1
        return value[index] if 0 <= index < len(value) else MISSING
    return MISSING


def with_value(target: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at the path; only what the path goes through is copied. A key that has dots of its own wins over the path."""
    return dict(_set(target, (path,) if path in target else steps(path) or (path,), value))


def _set(target: Any, way: tuple[str | int, ...], value: Any) -> Any:
    """Where nothing is to set it in, a list is made for an index, and an object for a name."""
    step, rest = way[0], way[1:]
    if isinstance(target, Mapping):
        return {**target, str(step): _set(_inner(target.get(str(step)), rest), rest, value) if rest else value}
    if not str(step).isdigit():
        return target  # a list has no names
    index = int(step)
    copy = [*target, *([None] * (index + 1 - len(target)))]
    copy[index] = _set(_inner(copy[index], rest), rest, value) if rest else value
    return copy


def _inner(found: Any, way: tuple[str | int, ...]) -> Any:
    if isinstance(found, Mapping | list):
        return found
    return [] if str(way[0]).isdigit() else {}


def without(target: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A copy without the path; one that is not there changes nothing."""
    if path in target:
        return {key: value for key, value in target.items() if key != path}
    return dict(_unset(target, steps(path)))


def _unset(target: Any, way: tuple[str | int, ...]) -> Any:
    if not way or _child(target, way[0]) is MISSING:
        return target
    step, rest = way[0], way[1:]
    if isinstance(target, Mapping):
        if not rest:
            return {key: value for key, value in target.items() if key != str(step)}
        return {**target, str(step): _unset(target[str(step)], rest)}
    copy = list(target)
    copy[int(step)] = _unset(copy[int(step)], rest) if rest else None  # a list keeps the place
    return copy
