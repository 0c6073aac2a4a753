"""Dot paths as n8n writes them: `a.b[0].c`. One place for reading, setting and removing; a path that leads nowhere gives a default."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_STEP: Final = re.compile(r"""\[\s*(?:(\d+)|"([^"]*)"|'([^']*)')\s*\]|([^.\[\]]+)""")
MISSING: Final = object()


@lru_cache(maxsize=4096)
def steps(path: str) -> tuple[str | int, ...]:
    """`a.b[0]["c d"]` → `("a", "b", 0, "c d")`. A number between dots is an index too, where it meets a list."""
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
    """A copy with the value at the path; only what the path goes through is copied."""
    return dict(_set(target, steps(path) or (path,), value))


def _set(target: Any, way: tuple[str | int, ...], value: Any) -> Any:
    step, rest = way[0], way[1:]
    if isinstance(target, list) and str(step).isdigit():
        index = int(step)
        copy = [*target, *([None] * (index + 1 - len(target)))]
        copy[index] = _set(copy[index], rest, value) if rest else value
        return copy
    if isinstance(step, int) and not isinstance(target, Mapping):
        return _set([], way, value)
    fields = dict(target) if isinstance(target, Mapping) else {}
    fields[str(step)] = _set(fields.get(str(step)), rest, value) if rest else value
    return fields


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
    index = int(step)
    return [
        _unset(each, rest) if place == index and rest else each for place, each in enumerate(target) if rest or place != index
    ]
