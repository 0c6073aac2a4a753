"""What a node says of an answer that refuses: the message of its status, what the service says, and the object that n8n puts into an item."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue

from workflow.core.failure import NodeError
from workflow.nodes.values import json_text, read_json

_STATUS: Final = {
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
_TOO_MANY: Final = 429
_SLOW_DOWN: Final = "Try spacing your requests out using the batching settings under 'Options'"
_SAYS: Final = ("error", "message", "Message", "msg", "description", "reason", "detail", "details", "errors", "errorMessage")
"""Where services say what is wrong."""
MAX_TEXT: Final = 100_000
"""Of an answer, in what is said of it."""


class ApiError(NodeError):
    """A service answered, and refused."""

    kind = "NodeApiError"


def refusal(status: int, text: str, index: int, *, version: float, plain: bool) -> ApiError:
    """`plain`: the answer was not read as JSON, so that n8n repeats it as a text."""
    text = text[:MAX_TEXT]
    body = text if plain else _value(text)
    message = f"{status} - {json_text(body)}"
    said = None if version < 3 else _said(_value(text)) or message
    return ApiError(_title(status) or message, description=said, item=index, shown=_shown(status, message, version))


def refused_page(response: Mapping[str, Any], text: str) -> dict[str, JsonValue]:
    """What n8n shows in an item of a page that was refused: not the error that it shows of any other request."""
    value = _value(text[:MAX_TEXT])
    answer: dict[str, JsonValue] = {
        "headers": response.get("headers"),
        "status": response.get("status"),
        "statusText": response.get("status_text"),
    }
    body = value if isinstance(value, str) else json_text(value)
    return {"statusCode": response.get("status"), "error": body, "isAxiosError": True, "response": answer}


def _title(status: int) -> str | None:
    if status in _STATUS:
        return _STATUS[status]
    if 400 <= status < 500:
        return "Your request is invalid or could not be processed by the service"
    return _STATUS[500] if 500 <= status < 600 else None


def _shown(status: int, message: str, version: float) -> dict[str, JsonValue]:
    return {
        "message": _SLOW_DOWN if status == _TOO_MANY and version >= 3 else message,
        "name": "AxiosError",
        "stack": f"AxiosError: Request failed with status code {status}",
        "code": "ERR_BAD_REQUEST" if 400 <= status < 500 else "ERR_BAD_RESPONSE",
        "status": status,
    }


def _value(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return text


def _said(body: Any) -> str | None:
    """The first of a body's fields that says something; of several errors all."""
    if isinstance(body, str):
        return body or None
    if isinstance(body, list):
        return " | ".join(filter(None, map(_said, body))) or None
    if not isinstance(body, Mapping):
        return None
    return next((said for name in _SAYS if (said := _said(body.get(name)))), None)
