"""What a webhook's call becomes: its body, and the files that came with it or that it is. Pure."""

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from pydantic_core import from_json

from bus.errors import InvalidJson, InvalidRequest
from bus.messages.workflows import UploadedFile, WebhookCall
from workflow.core.failure import NodeError
from workflow.core.items import Item
from workflow.doors.webhook_reply import webhook_item
from workflow.n8n.document import Node
from workflow.nodes import binary
from workflow.nodes.xml import to_json

A = TypeVar("A", bound=WebhookCall)
OUTPUT: Final = "output"
"""Of an item that starts a webhook of several methods: by which of its outputs it leaves."""
_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_XML: Final = ("application/xml", "text/xml")
_XML_OPTIONS: Final = {"explicitArray": False, "normalize": True, "normalizeTags": True}
_NO_FIELD: Final = ""
"""Of a file that is the whole body."""


def read(call: A) -> A:
    """With its body, where the door left that to be read. InvalidJson."""
    if call.fields:
        return call.model_copy(update={"body": _grouped(call.fields)})
    if call.text is None:
        return call
    body: Any = call.text
    if _kind(call) == "application/json":
        body = _json(call.text)
    elif _kind(call) == "application/x-www-form-urlencoded":
        body = _grouped(parse_qsl(call.text, keep_blank_values=True))
    return call.model_copy(update={"body": body})


def _kind(call: WebhookCall) -> str:
    return call.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json(text: str) -> Any:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidJson(f"The body is not valid JSON: {error}. Send one JSON value.") from None


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A name that comes several times has a list."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def methods_of(node: Node) -> Sequence[str]:
    given = node.parameters.get("httpMethod", "GET")
    several = given if isinstance(given, list) else [given]
    return [str(method).upper() for method in several if str(method).upper() in _METHODS]


def heard_item(node: Node, call: WebhookCall) -> Item:
    """InvalidRequest for XML that is none. A body that nobody reads is a file, which the first version takes where it is told to."""
    wanted = node.version < 2 and node.options.get("binaryData") is True
    if node.options.get("rawBody") is True and (raw := _raw(node, call)) is not None:
        return raw
    if wanted and call.text:
        call = call.model_copy(update={"body": {}, "files": (_as_file(call),), "text": None})
    if node.version < 2 and not wanted and _is_file(call):
        item = webhook_item(None, headers=call.headers, query=call.query)
        del item["json"]["body"]
        return item
    item = webhook_item(_body(node, call), headers=call.headers, query=call.query)
    if node.version < 2 and call.body == {} and call.headers.get("content-length", "0") == "0" and not call.files:
        del item["json"]["body"]
    files = dict(_files(node, call, own=node.version >= 2 or wanted))
    return {**item, "binary": files} if files else item


def _raw(node: Node, call: WebhookCall) -> Item | None:
    """Beside what was read of it, the body as it came, which a signature may be over. None for a form in parts, and where there is none."""
    if call.text:
        data = base64.b64encode(call.text.encode()).decode()
        item = webhook_item(_body(node, call), headers=call.headers, query=call.query)
    elif _is_file(call):
        data = call.files[0].data
        item = webhook_item(None, headers=call.headers, query=call.query)
        del item["json"]["body"]
    else:
        return None
    name = str(node.options.get("binaryPropertyName") or "data")
    return {**item, "binary": {name: {"data": data, "mimeType": _kind(call) or "application/octet-stream"}}}


def _as_file(call: WebhookCall) -> UploadedFile:
    data = (call.text or "").encode()
    return UploadedFile(field=_NO_FIELD, name="", mime_type=_kind(call), size=len(data), data=base64.b64encode(data).decode())


def _is_file(call: WebhookCall) -> bool:
    return any(file.field == _NO_FIELD for file in call.files)


def _body(node: Node, call: WebhookCall) -> Any:
    if call.body is None and node.version >= 2:
        return {}
    if _kind(call) not in _XML or not isinstance(call.body, str) or not call.body.strip():
        return call.body
    try:
        return to_json(call.body, _XML_OPTIONS)
    except NodeError as error:
        raise InvalidRequest(f"The body says that it is XML. {error.message}") from None


def _files(node: Node, call: WebhookCall, *, own: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Named by their fields, with a number where one has several; or all by the node's own name for them, if it has one."""
    name = str(node.options.get("binaryPropertyName") or "") if own else ""
    if _is_file(call):
        yield name or "data", _file(call.files[0])
        return
    several, seen = Counter(file.field for file in call.files), Counter[str]()
    for number, file in enumerate(call.files):
        place = f"{seen[file.field]}" if several[file.field] > 1 else ""
        seen[file.field] += 1
        yield f"{name}{number}" if name else f"{file.field}{place}", _file(file)


def _file(file: UploadedFile) -> dict[str, Any]:
    return binary.make(base64.b64decode(file.data), name=file.name or "data", mime_type=file.mime_type)
