"""Where the parameters of nodes name another node, and the same with its new name. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

_CODE: Final = frozenset({"jsCode", "functionCode", "pythonCode"})
"""Parameters that are code throughout; elsewhere a text is an expression when it begins with `=`."""
_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*\Z")


def with_name(node: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The node with `new` wherever its parameters mean the node `old`: `$('…')`, `$node["…"]`, `$node.…` and `$items("…")`."""
    if "parameters" not in node:
        return dict(node)
    return {**node, "parameters": _within(node["parameters"], old, new, code=False)}


def _within(value: Any, old: str, new: str, *, code: bool) -> Any:
    if isinstance(value, str):
        return _replaced(value, old, new) if code or value.startswith("=") else value
    if isinstance(value, Mapping):
        return {key: _within(inner, old, new, code=key in _CODE) for key, inner in value.items()}
    return [_within(inner, old, new, code=code) for inner in value] if isinstance(value, list) else value


def _replaced(text: str, old: str, new: str) -> str:
    for quote in ("'", '"', "`"):
        called = rf"((?:(?<![\w$])\$(?:items)?|(?<![\w$.])_(?:items)?)\(\s*){quote}{re.escape(_quoted(old, quote))}{quote}"
        text = re.sub(called, lambda found, q=quote: f"{found[1]}{q}{_quoted(new, q)}{q}", text)  # type: ignore[misc]
        indexed = rf"((?<![\w$])[$_]node\[\s*){quote}{re.escape(_quoted(old, quote))}{quote}"
        text = re.sub(indexed, lambda found, q=quote: f"{found[1]}{q}{_quoted(new, q)}{q}", text)  # type: ignore[misc]
    if _WORD.match(old):
        dotted = f".{new}" if _WORD.match(new) else f'["{_quoted(new, chr(34))}"]'
        text = re.sub(rf"((?<![\w$])\$node)\.{re.escape(old)}(?![\w$])", lambda found: found[1] + dotted, text)
    return text


def _quoted(name: str, quote: str) -> str:
    return name.replace("\\", "\\\\").replace(quote, f"\\{quote}")
