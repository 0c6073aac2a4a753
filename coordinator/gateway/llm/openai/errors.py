"""OpenAI's error objects. Their clients look at the status, at `code`, and at Retry-After."""

from typing import Final

from pydantic_core import to_json
from starlette.responses import Response

from bus.errors import (
    HiveError,
    InvalidRequest,
    ModelNotFound,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
    UnknownModel,
)

Body = dict[str, dict[str, str | None]]
_BAD_REQUEST: Final = 400
_UNPROCESSABLE: Final = 422
_FIRST_SERVER_ERROR: Final = 500


def status_of(error: HiveError) -> int:
    """OpenAI says 400 to what Hive says 422 to, and 404 for a model that it does not know."""
    if isinstance(error, UnknownModel | ModelNotFound):
        return NotFound.http_status
    return _BAD_REQUEST if error.http_status == _UNPROCESSABLE else error.http_status


def body_of(error: HiveError) -> Body:
    """The object that is the answer, or an event in the middle of a stream."""
    return {"error": {"message": error.message, "type": _type_of(error), "param": error.param, "code": _code_of(error)}}


def respond(error: HiveError, request_id: str) -> Response:
    """See coordinator.gateway.llm.dialects.Dialect."""
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="Hive"'
    return Response(to_json(body_of(error)), status_of(error), headers, "application/json")


def _type_of(error: HiveError) -> str:
    if isinstance(error, PermissionDenied):
        return "permission_error"
    if isinstance(error, RateLimited):
        return "requests"
    if isinstance(error, InvalidRequest | Unauthenticated | NotFound) or status_of(error) < _FIRST_SERVER_ERROR:
        return "invalid_request_error"
    return "server_error"


def _code_of(error: HiveError) -> str:
    if isinstance(error, UnknownModel | ModelNotFound):
        return "model_not_found"
    if isinstance(error, Unauthenticated):
        return "invalid_api_key"
    if isinstance(error, RateLimited):
        return "rate_limit_exceeded"
    return "request_too_large" if isinstance(error, PayloadTooLarge) else error.code
