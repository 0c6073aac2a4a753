"""The query of a webhook's address: a name may say where in a list or an object its value stands, `a[]`, `a[0]`, `a[b][c]`, as n8n reads it. Pure."""

import re
from collections.abc import Iterable
from typing import Any, Final

_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_KEYS: Final = re.compile(r"\[([^\[\]]*)\]")
_DEEP: Final = 5
_LONG: Final = 20


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A name that comes again has a list. One that is written otherwise, or goes deeper, is a name as it stands."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        match = _NAME.match(name)
        keys = _KEYS.findall(match[2]) if match else []
        _put(found, [match[1], *keys] if match and len(keys) <= _DEEP else [name], value)
    return {name: _listed(value) for name, value in found.items()}


def _put(target: dict[str, Any], way: list[str], value: str) -> None:
    key, *rest = way
    key = key or str(len(target))
    if rest:
        inner = target.setdefault(key, {})
        if not isinstance(inner, dict):
            inner = target[key] = {"0": inner}
        _put(inner, rest, value)
    elif key in target:
        before = target[key]
        target[key] = [*before, value] if isinstance(before, list) else [before, value]
    else:
        target[key] = value


def _listed(value: Any) -> Any:
    """What has only places is a list of what stands there."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(each) for key, each in value.items()}
    if all(key.isdecimal() and int(key) <= _LONG for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
