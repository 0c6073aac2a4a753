"""SQL as text: literals, names, statements told apart, and `$1` filled in, but never inside of quotes or comments. Pure.

Values become literals here and not parameters of the protocol, because that is what workflows are written for: the type of `$1` comes
from where it stands, `$1:name` is a name, and a text may hold several statements. A literal cannot end early: quotes are doubled, and one
with a backslash is written in the form that says so, whatever the session's settings.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.nodes.values import json_text, number_text

_TOKEN: Final = re.compile(
    r"""(?P<comment>--[^\n]*)|(?P<block>/\*)
    |(?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))|(?P<string>'(?:[^']|'')*(?:'|\Z))|(?P<quoted>"(?:[^"]|"")*(?:"|\Z))
    |(?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$)
    |(?P<place>(?<![\w$])\$(?P<number>[1-9]\d{0,4})(?P<how>:[a-z]+|[~^])?)
    |(?P<end>;)|(?P<word>[A-Za-z_][\w$]*)""",
    re.VERBOSE | re.DOTALL,
)
_BLOCK: Final = re.compile(r"/\*|\*/")


def literal(value: Any) -> str:
    """Raises NodeError for a text that PostgreSQL cannot hold."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        text = number_text(value) if isinstance(value, float) else str(value)
        if not math.isfinite(value):
            return quoted(text)
        return f"({text})" if value < 0 else text  # `1 -$1` would else begin a comment
    return quoted(value if isinstance(value, str) else json_text(value))


def quoted(text: str) -> str:
    if "\x00" in text:
        raise NodeError("A value has the character U+0000, which PostgreSQL cannot hold")
    doubled = text.replace("'", "''")
    return f" E'{doubled.replace(chr(92), chr(92) * 2)}'" if "\\" in doubled else f"'{doubled}'"


def array(values: Sequence[Any]) -> str:
    """A literal that takes its type from the column that it is for."""
    return quoted(_array(values))


def _array(values: Sequence[Any]) -> str:
    return "{" + ",".join(_element(value) for value in values) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return _array(value)
    text = ("true" if value else "false") if isinstance(value, bool) else value if isinstance(value, str) else json_text(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def name(text: str) -> str:
    """A quoted name. Raises NodeError for one that there cannot be."""
    if not text or "\x00" in text:
        raise NodeError(f"{text!r} is no name of a table or column")
    return '"' + text.replace('"', '""') + '"'


def names(given: Any) -> str:
    """Of columns: `*`, one, or several."""
    found = [given] if isinstance(given, str) else list(given)
    return ", ".join("*" if each == "*" else name(str(each)) for each in found)


def filled(query: str, values: Sequence[Any]) -> str:
    """With its `$1` replaced, where there are values; else as it is. Raises NodeError for a number without a value."""
    if not values:
        return query
    parts: list[str] = []
    for kind, text, match in _tokens(query):
        parts.append(_place(match, values) if kind == "place" and match is not None else text)
    return "".join(parts)


def _place(match: re.Match[str], values: Sequence[Any]) -> str:
    number, how = int(match["number"]), match["how"] or ""
    if number > len(values):
        raise NodeError(
            f"Variable ${number} out of range. Parameters array length: {len(values)}",
            description="Give as many values in Query Parameters as the query has places",
        )
    value = values[number - 1]
    if how in ("~", ":name", ":alias"):
        return "*" if value == "*" else names(list(value) if isinstance(value, list | Mapping) else str(value))
    if how in (":csv", ":list"):
        return ", ".join(literal(each) for each in (value if isinstance(value, list) else [value]))
    if how == ":json":
        return quoted(json_text(value))
    if how in ("^", ":raw", ":value", "#"):
        raise NodeError(
            f"{match[0]} would put a value into the query as SQL, which Hive does not. Write it without {how}, or with :name"
        )
    return literal(value) + how if how else literal(value)  # `$1::int` has its cast behind it


def statements(query: str) -> list[str]:
    """Told apart by `;` outside of quotes and comments; what has no word in it is none."""
    found: list[str] = []
    current: list[str] = []
    has_content = False
    for kind, text, _ in _tokens(query):
        if kind == "end":
            if has_content:
                found.append("".join(current).strip())
            current, has_content = [], False
            continue
        has_content = has_content or (kind != "comment" and bool(text.strip()))
        current.append(text)
    if has_content:
        found.append("".join(current).strip())
    return found


def _tokens(query: str) -> Iterator[tuple[str, str, re.Match[str] | None]]:
    """Pieces that make up the query again; an open quote or comment goes to the end."""
    at = 0
    while (match := _TOKEN.search(query, at)) is not None:
        if match.start() > at:
            yield "text", query[at : match.start()], None
        kind, end = match.lastgroup or "text", match.end()
        if match["block"]:
            kind, end = "comment", _end_of_comment(query, match.end())
        elif match["dollar"]:
            close = query.find(match["dollar"], match.end())
            kind, end = "string", len(query) if close < 0 else close + len(match["dollar"])
        elif match["place"]:
            kind = "place"
        yield kind, query[match.start() : end], match
        at = end
    if at < len(query):
        yield "text", query[at:], None


def _end_of_comment(query: str, at: int) -> int:
    """PostgreSQL's comments nest."""
    depth = 1
    for match in _BLOCK.finditer(query, at):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return len(query)
