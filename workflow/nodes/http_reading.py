"""The items that an HTTP Request node makes of a response: JSON, text or a file, with or without status and headers. Pure."""

import base64
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.parse import unquote, urlsplit

from workflow.expressions.parameters import Parameters
from workflow.failure import NodeError
from workflow.items import Item, paired
from workflow.nodes import binary
from workflow.nodes.contract import NodeCall

_TEXTUAL = (
    "text/",
    "application/xml",
    "application/xhtml",
    "application/javascript",
    "+xml",
    "application/x-www-form-urlencoded",
)


def read_response(call: NodeCall, parameters: Parameters, response: Mapping[str, Any], index: int) -> list[Item]:
    """Raises `NodeError` for a status outside 200–299, unless the node never errors."""
    options = _options(call, parameters)
    status = int(response.get("status", 0))
    if not 200 <= status < 300 and not options["never_error"]:
        raise _refusal(status, response, index)
    kind = options["format"] if options["format"] != "autodetect" else _detected(content_type(response))
    facts = {"headers": response.get("headers", {}), "statusCode": status, "statusMessage": response.get("status_text", "")}
    if kind == "file":
        name = options["output"] or "data"
        fields: dict[str, Any] = facts if options["full"] else dict(call.items[index]["json"])
        return [{"json": fields, "binary": {name: _file(response)}, "pairedItem": paired(index)}]
    body = _json(response, index) if kind == "json" else text_of(response)
    if options["full"]:
        return [
            {"json": {"body" if kind == "json" else options["output"] or "data": body, **facts}, "pairedItem": paired(index)}
        ]
    if kind != "json":
        return [{"json": {options["output"] or "data": body}, "pairedItem": paired(index)}]
    found = body if isinstance(body, list) else [body]
    return [{"json": each if isinstance(each, dict) else {"data": each}, "pairedItem": paired(index)} for each in found]


def _options(call: NodeCall, parameters: Parameters) -> dict[str, Any]:
    if call.node.version < 3:
        older = parameters.text("responseFormat", "json")
        return {
            "format": {"string": "text"}.get(older, older),
            "output": parameters.text("dataPropertyName", "data"),
            "full": parameters.get("options.fullResponse") is True,
            "never_error": parameters.get("options.ignoreResponseCode") is True,
        }
    given = parameters.get("options.response.response") or {}
    return {
        "format": given.get("responseFormat", "autodetect"),
        "output": str(given.get("outputPropertyName") or "data"),
        "full": given.get("fullResponse") is True,
        "never_error": given.get("neverError") is True,
    }


def content_type(response: Mapping[str, Any]) -> str:
    headers = {str(name).lower(): value for name, value in (response.get("headers") or {}).items()}
    return str(headers.get("content-type", "")).partition(";")[0].strip().lower()


def _detected(kind: str) -> str:
    if kind == "application/json" or kind.endswith("+json"):
        return "json"
    if not kind or any(each in kind for each in _TEXTUAL):
        return "text"
    return "file"


def raw(response: Mapping[str, Any]) -> bytes:
    encoded = response.get("body_base64")
    return base64.b64decode(encoded) if isinstance(encoded, str) else str(response.get("body") or "").encode()


def text_of(response: Mapping[str, Any]) -> str:
    return raw(response).decode("utf-8", "replace")


def _json(response: Mapping[str, Any], index: int) -> Any:
    text = text_of(response)
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except ValueError:
        raise NodeError(
            'Response body is not valid JSON. Change "Response Format" to "Text"', description=text[:500], item=index
        ) from None


def body_value(response: Mapping[str, Any]) -> Any:
    """As `$response.body` shows it: JSON where it is JSON."""
    text = text_of(response)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _file(response: Mapping[str, Any]) -> dict[str, Any]:
    headers = {str(name).lower(): str(value) for name, value in (response.get("headers") or {}).items()}
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "")
    name = message.get_filename() or unquote(urlsplit(str(response.get("url", ""))).path.rpartition("/")[2]) or "file"
    return binary.make(raw(response), name=name, mime_type=content_type(response) or None)


_STATUS = {
    400: "Bad request - please check your parameters",
    401: "Authorization failed - please check your credentials",
    402: "Payment required - perhaps check your payment details?",
    403: "Forbidden - perhaps check your credentials?",
    404: "The resource you are requesting could not be found",
    405: "Method not allowed - please check you are using the right HTTP method",
    429: "The service is receiving too many requests from you",
    500: "The service was not able to process your request",
    502: "Bad gateway - the service failed to handle your request",
    503: "Service unavailable - try again later or consider setting this node to retry automatically (in the node settings)",
    504: "Gateway timed out - perhaps try again later?",
}


def _refusal(status: int, response: Mapping[str, Any], index: int) -> NodeError:
    text = text_of(response)
    return NodeError(
        _STATUS.get(status, f"Request failed with status code {status}"), description=f"{status} - {text[:1000]}", item=index
    )
