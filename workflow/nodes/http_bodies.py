"""The body of an HTTP Request of version 3 and later: JSON, a form, parts, a file, or a text of any type."""

from collections.abc import Iterable
from functools import reduce
from typing import Any, Final, TypeAlias

from workflow.core.failure import NodeError
from workflow.core.paths import with_value
from workflow.expressions.parameters import Parameters
from workflow.nodes import binary
from workflow.nodes.contract import NodeCall
from workflow.nodes.http_pairs import json_of, pairs_of
from workflow.nodes.http_query import Pairs, last_of_each, query_text, read_query
from workflow.nodes.values import json_text, text_of

FORM: Final = "application/x-www-form-urlencoded"
_BOUNDARY: Final = "----hive-form-boundary"
MULTIPART: Final = f"multipart/form-data; boundary={_BOUNDARY}"
Body: TypeAlias = tuple[bytes | None, str | None, bool]
"""With its content type, and whether that comes before one among the node's headers."""


def body_of(call: NodeCall, parameters: Parameters, index: int, extra: Pairs) -> Body:
    """`extra`: what a page adds to it."""
    if parameters.get("sendBody") is not True:
        return None, None, False
    kind = parameters.text("contentType", "json")
    if kind == "json":
        return _json_body(call, parameters, extra)
    if kind == "form-urlencoded":
        return query_text(_form_fields(parameters, extra)).encode(), FORM, True
    if kind == "multipart-form-data":
        return multipart(_parts(call, parameters, index)), MULTIPART, True
    if kind == "binaryData":
        content, facts = file_of(call, parameters.text("inputDataFieldName", "data"), index)
        return content, str(facts.get("mimeType", "application/octet-stream")), False
    if kind == "raw":
        return _raw_text(parameters.get("body", "")).encode(), parameters.text("rawContentType"), True
    raise NodeError(f"The body content type {kind!r} is not known", item=index)


def _json_body(call: NodeCall, parameters: Parameters, extra: Pairs) -> Body:
    if parameters.get("specifyBody", "keypair") != "json":
        pairs = [*pairs_of(parameters, "Body", "sendBody"), *extra]
        fields = _nested(pairs) if call.node.version >= 4 else last_of_each(pairs)
        return json_text(fields).encode(), "application/json", False
    given = parameters.get("jsonBody")
    if isinstance(given, str) or (given is None and parameters.is_undefined("jsonBody")):
        given = json_of(given, "JSON Body")
    if extra:
        given = {**(given if isinstance(given, dict) else {}), **last_of_each(extra)}
    if given is None or isinstance(given, str):  # n8n sends a text as it is
        return (given or "").encode(), FORM, False
    return json_text(given).encode(), "application/json", False


def _nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A name with dots is a path."""
    return reduce(lambda found, pair: with_value(found, *pair), pairs, {})


def _form_fields(parameters: Parameters, extra: Pairs) -> dict[str, Any]:
    if parameters.get("specifyBody", "keypair") == "string":
        return {**read_query(parameters.text("body")), **last_of_each(extra)}
    return last_of_each([*pairs_of(parameters, "Body", "sendBody"), *extra])


def _raw_text(given: Any) -> str:
    return given if isinstance(given, str) else text_of(given)


Part: TypeAlias = tuple[str, bytes, dict[str, Any] | None]
"""Name, content, and the facts of a file."""


def _parts(call: NodeCall, parameters: Parameters, index: int) -> list[Part]:
    parts: list[Part] = []
    for each in parameters.get("bodyParameters.parameters", []):
        name = str(each.get("name", ""))
        if each.get("parameterType") == "formBinaryData":
            parts.append((name, *file_of(call, str(each.get("inputDataFieldName", "data")), index)))
        else:
            parts.append((name, text_of(each.get("value")).encode(), None))
    return parts if call.node.version >= 4.2 else list({part[0]: part for part in parts}.values())


def multipart(parts: Iterable[Part]) -> bytes:
    return b"".join(map(_part, parts)) + f"--{_BOUNDARY}--\r\n".encode()


def _part(part: Part) -> bytes:
    name, content, facts = part
    head = f'name="{_in_quotes(name)}"'
    if facts is not None:
        head += f'; filename="{_in_quotes(str(facts.get("fileName", "file")))}"'
        head += f"\r\nContent-Type: {facts.get('mimeType', 'application/octet-stream')}"
    return f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"


def _in_quotes(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def file_of(call: NodeCall, name: str, index: int) -> tuple[bytes, dict[str, Any]]:
    """A binary field of the item. What an item shows of its absence is the shorter text that n8n has there."""
    try:
        return binary.read(call.items[index], name, index)
    except NodeError as error:
        if name not in (call.items[index].get("binary") or {}):
            error.shown = f"The item has no binary field '{name}' [item {index}]"
        raise
