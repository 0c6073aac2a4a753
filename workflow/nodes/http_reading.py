"""The items that an HTTP Request node makes of a response: JSON, text or a file, with or without status and headers. Pure."""

import base64
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.expressions.parameters import Parameters
from workflow.nodes import binary
from workflow.nodes.contract import NodeCall
from workflow.nodes.http_building import response_format
from workflow.nodes.http_errors import refusal
from workflow.nodes.values import json_text, read_json

_FILES: Final = (
    *("image/", "audio/", "video/", "application/octet-stream", "application/pdf"),
    *("application/zip", "application/gzip", "application/x-tar", "application/x-7z-compressed", "application/vnd.rar"),
    *("application/x-bzip", "application/epub+zip", "application/msword", "application/vnd.ms-excel"),
    *("application/vnd.ms-fontobject", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
"""Types that n8n takes for a file where it is left to find out. What is none of them, and no JSON, is text."""
_NOT_JSON: Final = 'Response body is not valid JSON. Change "Response Format" to "{}"'
_NAME_IN_HEADER: Final = re.compile(r"^\s*filename\*?\s*=", re.IGNORECASE)


def read_response(
    call: NodeCall, parameters: Parameters, response: Mapping[str, Any], index: int, *, accepted: bool = False
) -> list[Item]:
    """Raises `NodeError` for a status outside 200–299, unless the node never errors, or the status was `accepted` beforehand."""
    older = call.node.version < 3
    options = _options(parameters, older)
    status = int(response.get("status", 0))
    if not (200 <= status < 300 or accepted or options["never_error"]):
        raised = options["format"] in ("autodetect", "file")
        raise refusal(status, text_of(response), index, version=call.node.version, plain=raised)
    found = options["format"]
    kind = _detected(response) if found == "autodetect" else found
    facts = {"headers": _headers(response), "statusCode": status, "statusMessage": response.get("status_text", "")}
    pair = {"pairedItem": paired(index)}
    field = "data" if found == "autodetect" else options["output"]
    if kind == "file":
        item = call.items[index]
        files = {**(item.get("binary") or {}), field: _file(call, response)}
        return [{"json": facts if options["full"] else dict(item["json"]), "binary": files, **pair}]
    if kind == "text":
        text = _text(call, response, parsed=found != "autodetect")
        return [{"json": {**({field: text} if text != "" else {}), **(facts if options["full"] else {})}, **pair}]
    body = _json(response, index, detected=found == "autodetect", older=older)
    if options["full"]:
        return [{"json": {"body": body, **facts}, **pair}]
    many = isinstance(body, list) and (not older or options["split"])
    return [{"json": {} if each is None else each, **pair} for each in (body if many else [body])]


def _options(parameters: Parameters, older: bool) -> dict[str, Any]:
    if older:
        return {
            "format": response_format(parameters, older),
            "output": parameters.text("dataPropertyName", "data"),
            "full": parameters.get("options.fullResponse") is True,
            "never_error": parameters.get("options.ignoreResponseCode") is True,
            "split": parameters.get("options.splitIntoItems") is True,
        }
    given = parameters.get("options.response.response") or {}
    return {
        "format": response_format(parameters, older),
        "output": str(given.get("outputPropertyName", "data")),
        "full": given.get("fullResponse") is True,
        "never_error": given.get("neverError") is True,
    }


def _headers(response: Mapping[str, Any]) -> dict[str, Any]:
    """Without how the body came packed, which it is no longer."""
    return {name: value for name, value in (response.get("headers") or {}).items() if name.lower() != "content-encoding"}


def _header(response: Mapping[str, Any], name: str) -> str:
    return next((str(value) for key, value in (response.get("headers") or {}).items() if key.lower() == name), "")


def content_type(response: Mapping[str, Any]) -> str:
    return _header(response, "content-type").partition(";")[0].strip().lower()


def _detected(response: Mapping[str, Any]) -> str:
    """Of a type in other letters n8n makes text."""
    kind = _header(response, "content-type")
    if "application/json" in kind:
        return "json"
    return "file" if any(each in kind for each in _FILES) else "text"


def raw(response: Mapping[str, Any]) -> bytes:
    encoded = response.get("body_base64")
    return base64.b64decode(encoded) if isinstance(encoded, str) else str(response.get("body") or "").encode()


def text_of(response: Mapping[str, Any]) -> str:
    charset = Message()
    charset["content-type"] = _header(response, "content-type")
    try:
        return raw(response).decode(charset.get_content_charset("utf-8"), "replace").removeprefix("\ufeff")
    except LookupError:
        return raw(response).decode("utf-8", "replace").removeprefix("\ufeff")


def _text(call: NodeCall, response: Mapping[str, Any], *, parsed: bool) -> Any:
    """A node that is told to read text makes a value of what is JSON all the same: version 3 writes it as a text again."""
    text = text_of(response)
    if not parsed:
        return text
    try:
        value = read_json(text)
    except ValueError:
        return text
    return json_text(value) if call.node.version >= 3 and isinstance(value, list | dict) else value


def _json(response: Mapping[str, Any], index: int, *, detected: bool, older: bool) -> Any:
    """A text that is JSON is read twice: it may hold JSON."""
    text = text_of(response)
    if not text.strip():
        return {}
    try:
        value = read_json(text)
    except ValueError:
        value = None if detected else text
        if detected:
            raise NodeError("Invalid JSON in response body", description=text[:500], item=index) from None
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except ValueError:
        raise NodeError(_NOT_JSON.format("String" if older else "Text"), description=text[:500], item=index) from None


def body_value(response: Mapping[str, Any]) -> Any:
    """As `$response.body` shows it: JSON where it is JSON."""
    text = text_of(response)
    try:
        return read_json(text)
    except ValueError:
        return text


def _file(call: NodeCall, response: Mapping[str, Any]) -> dict[str, Any]:
    """Named by the service, else by the address, else by its type; what came packed has no address in n8n."""
    kind = content_type(response)
    name = _given_name(_header(response, "content-disposition"))
    if not name and not _header(response, "content-encoding"):
        name = _name_in_address(str(response.get("url", "")), with_query=call.node.version == 3)
    return binary.make(raw(response), name=name or f"data.{binary.extension_of(kind) or 'bin'}", mime_type=kind or None)


def _given_name(disposition: str) -> str:
    message = Message()
    bare = _NAME_IN_HEADER.match(disposition) is not None
    message["content-disposition"] = f"attachment; {disposition}" if bare else disposition
    return (_extended_name(disposition) or message.get_filename() or "").replace("\\", "/").rpartition("/")[2]


def _extended_name(disposition: str) -> str:
    """`filename*=UTF-8''%C3%A4.zip`, which counts before `filename`."""
    found = re.search(r"filename\*\s*=\s*([^;]+)", disposition, re.IGNORECASE)
    if found is None:
        return ""
    message = Message()
    message["content-disposition"] = f"attachment; filename*={found[1]}"
    return message.get_filename() or ""


def _name_in_address(url: str, *, with_query: bool) -> str:
    """Version 3 takes the query for a part of it."""
    path = re.sub(r"^[a-z]+://[^/?#]*", "", url).partition("#")[0]
    if not with_query:
        path = path.partition("?")[0]
    return path.rstrip("/").rpartition("/")[2]
