"""Anthropic's error objects. Their clients look at the status and at `type`, and try again after 429, 5xx and 529."""

from typing import Any, Final

from pydantic_core import to_json
from starlette.responses import Response

from bus.errors import HiveError, ModelNotFound, NotFound, QueueFull, StoreFull, UnknownModel

OVERLOADED: Final = 529
_BAD_REQUEST: Final = 400
_UNPROCESSABLE: Final = 422
_FIRST_SERVER_ERROR: Final = 500
_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


def status_of(error: HiveError) -> int:
    """Anthropic says 400 to what Hive says 422 to, 404 for a model that it does not know, and 529 while too many wait."""
    if isinstance(error, UnknownModel | ModelNotFound):
        return NotFound.http_status
    if isinstance(error, QueueFull | StoreFull):
        return OVERLOADED
    return _BAD_REQUEST if error.http_status == _UNPROCESSABLE else error.http_status


def body_of(error: HiveError, request_id: str) -> dict[str, Any]:
    """The object that is the answer, or an event in the middle of a stream."""
    status = status_of(error)
    kind = _TYPES.get(status, "invalid_request_error" if status < _FIRST_SERVER_ERROR else "api_error")
    return {"type": "error", "error": {"type": kind, "message": _message(error)}, "request_id": request_id}


def respond(error: HiveError, request_id: str) -> Response:
    """See coordinator.gateway.llm.dialects.Dialect."""
    headers = {"request-id": request_id}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return Response(to_json(body_of(error, request_id)), status_of(error), headers, "application/json")


def _message(error: HiveError) -> str:
    """Their objects have no place for the field, so it is named in the text."""
    return error.message if error.param is None or error.param in error.message else f"{error.param}: {error.message}"
