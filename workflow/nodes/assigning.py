"""What Edit Fields makes of a value by the type of its field, and how it reads JSON that people write."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import json_repair

from workflow.core.failure import NodeError
from workflow.core.paths import MISSING
from workflow.n8n.document import Node
from workflow.nodes.values import boolean_of, json_text, number_of, parsed, text_of

_HELP: Final = "To fix the error try to change the type for the field, or activate the option “Ignore Type Conversion Errors”"


def typed(name: str, value: Any, kind: str, index: int, ignore: bool, *, of_json: bool = False) -> Any:
    """The value as the field's type says. Nothing stays nothing. Raises `NodeError`, unless conversion errors are ignored.

    `of_json`: an object of the versions that had a parameter for each type, which say in other words what is none.
    """
    if value is None:
        return None
    found = converted(value, kind)
    if found is not MISSING:
        return found
    if ignore:
        return value
    if of_json:
        raise NodeError(
            f"The entry \"{name}\" inside 'Fields to Set' in item {index} does not contain a valid JSON object", item=index
        )
    raise NodeError(f"{unfit(name, value, kind)} [item {index}]", description=_HELP, item=index)


def unfit(name: str, value: Any, kind: str) -> str:
    """That a value is of another type than it should be, as n8n says it."""
    shown = "array" if isinstance(value, list) else "object" if isinstance(value, dict) else f"'{text_of(value)}'"
    return f"'{name}' expects a {kind} but we got {shown}"


def converted(value: Any, kind: str) -> Any:
    """`MISSING` where it cannot be had."""
    if kind == "string":
        return json_text(value) if isinstance(value, list | dict) else text_of(value)
    if kind == "object":
        return _object(value)
    convert = _CONVERTERS.get(kind)
    if convert is None:
        return value
    found = convert(value)
    return MISSING if found is None else found


def _number(value: Any) -> Any:
    """As JavaScript counts: a list of one as what is in it, an empty text or list as 0."""
    if isinstance(value, list):
        return _number(value[0]) if len(value) == 1 else None if value else 0
    return 0 if isinstance(value, str) and not value.strip() else number_of(value)


def _object(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = lenient(value)
        except ValueError:
            return MISSING
        if value is None:
            return None
    return value if isinstance(value, dict) else MISSING


_CONVERTERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "number": _number,
    "boolean": lambda value: boolean_of(_number(value) if isinstance(value, list) else value),
    "array": lambda value: parsed(value, list),
}


def json_object(given: Any, index: int) -> Mapping[str, Any]:
    """The object that the JSON of an item holds. Raises `NodeError` where it holds none."""
    if isinstance(given, str):
        try:
            given = lenient(given)
        except ValueError as error:
            written = given.strip()
            what = "contains invalid JSON" if not written or written[0] in "{[" else "does not contain a valid JSON object"
            raise NodeError(f"The 'JSON Output' in item {index} {what}", description=str(error), item=index) from None
    if not isinstance(given, Mapping):
        raise NodeError(f"The 'JSON Output' in item {index} does not contain a valid JSON object", item=index)
    return given


def lenient(text: str) -> Any:
    """n8n takes JSON with line breaks in its texts, single quotes, bare names, comments and a comma too many, as people write it.

    Raises `ValueError` for what is no JSON in spite of that.
    """
    try:
        return json.loads(text)
    except ValueError:
        if (text.strip()[:1], text.strip()[-1:]) not in (("{", "}"), ("[", "]")):  # half of a text is not made whole
            raise
        if any(_TORN.match(text, found.end()) for found in _TEXT.finditer(text)):
            raise
        return json_repair.loads(_UNDEFINED.sub("null", text), strict=True)


_UNDEFINED: Final = re.compile(r"(?<=[:\[,])\s*undefined(?=\s*[,\]}])")
_TEXT: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)
_TORN: Final = re.compile(r"\s*[^\s,:\]}/]")
"""What cannot follow a text: one that was put between quotes and has quotes of its own ends too early."""


def refuse_misfits(node: Node) -> None:
    """n8n looks at what is no expression before a node runs. Raises `NodeError` for the node as a whole."""
    misfits = [f"- {unfit(*each)}" for each in _literals(node) if _misfits(*each)]
    if misfits:
        raise NodeError("\n".join([f"The '{node.name}' node has issues:", *misfits]))


def _misfits(_: str, value: str, kind: str) -> bool:
    """Line breaks in texts are taken of an expression alone."""
    broken = kind == "object" and any("\n" in found[0] for found in _TEXT.finditer(value))
    return broken or converted(value, kind) is MISSING


def _literals(node: Node) -> Iterator[tuple[str, str, str]]:
    """Texts that are no expressions, in the parameters that have a type: name, text, type. Version 3.3 has them for JSON alone."""
    raw = node.parameters.get("mode") == "raw"
    values = () if raw or node.version >= 3.3 else (node.parameters.get("fields") or {}).get("values") or ()
    given = [("jsonOutput", node.parameters.get("jsonOutput"), "object")] if raw else []
    for field in values:
        name = str(field.get("type", "stringValue"))
        if name != "stringValue":
            given.append((name, field.get(name), name.removesuffix("Value")))
    return ((name, value, kind) for name, value, kind in given if isinstance(value, str) and not value.startswith("="))
