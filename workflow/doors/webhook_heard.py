"""What a webhook's call becomes: its body, and the files that came with it or that it is. Pure."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bus.errors import InvalidRequest
from bus.messages.workflows import UploadedFile, WebhookCall
from workflow.core.failure import NodeError
from workflow.core.items import Item
from workflow.doors.webhook_reply import webhook_item
from workflow.n8n.document import Node
from workflow.nodes import binary
from workflow.nodes.xml import to_json

OUTPUT: Final = "output"
"""Of an item that starts a webhook of several methods: by which of its outputs it leaves."""
_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_XML: Final = ("application/xml", "text/xml")
_XML_OPTIONS: Final = {"explicitArray": False, "normalize": True, "normalizeTags": True}
_NO_FIELD: Final = ""
"""Of a file that is the whole body."""


def methods_of(node: Node) -> Sequence[str]:
    given = node.parameters.get("httpMethod", "GET")
    several = given if isinstance(given, list) else [given]
    return [str(method).upper() for method in several if str(method).upper() in _METHODS]


def heard_item(node: Node, call: WebhookCall) -> Item:
    """InvalidRequest for XML that is none. A body that nobody reads is a file, which the first version takes where it is told to."""
    wanted = _options(node).get("binaryData") is True
    if node.version < 2 and not wanted and _is_file(call):
        item = webhook_item(None, headers=call.headers, query=call.query)
        del item["json"]["body"]
        return item
    item = webhook_item(_body(node, call), headers=call.headers, query=call.query)
    if node.version < 2 and call.body == {} and call.headers.get("content-length", "0") == "0" and not call.files:
        del item["json"]["body"]
    files = dict(_files(node, call, own=node.version >= 2 or wanted))
    return {**item, "binary": files} if files else item


def _options(node: Node) -> dict[str, Any]:
    found = node.parameters.get("options")
    return found if isinstance(found, dict) else {}


def _is_file(call: WebhookCall) -> bool:
    return any(file.field == _NO_FIELD for file in call.files)


def _body(node: Node, call: WebhookCall) -> Any:
    if call.body is None and node.version >= 2:
        return {}
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _XML or not isinstance(call.body, str) or not call.body.strip():
        return call.body
    try:
        return to_json(call.body, _XML_OPTIONS)
    except NodeError as error:
        raise InvalidRequest(f"The body says that it is XML. {error.message}") from None


def _files(node: Node, call: WebhookCall, *, own: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Named by their fields, with a number where one has several; or all by the node's own name for them, if it has one."""
    name = str(_options(node).get("binaryPropertyName") or "") if own else ""
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
