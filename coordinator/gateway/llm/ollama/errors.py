"""Ollama's errors: one sentence under `error`, and the status. In the middle of a stream the same object is a line of its own."""

import re
from typing import Final

from pydantic_core import to_json
from starlette.responses import Response

from bus.errors import HiveError, InvalidJson, ModelNotFound, NotFound, Unauthenticated, UnknownModel

_BAD_REQUEST: Final = 400
_UNPROCESSABLE: Final = 422
_PATHS: Final = frozenset(
    f"/api/{name}"
    for name in (
        *("version", "tags", "ps", "show", "chat", "generate", "embed", "embeddings"),
        *("pull", "push", "delete", "copy", "create"),
    )
)
"""Beside Hive's own below /api, none of which has one of these names."""
ROOT: Final = "/"
"""Where Ollama's command line looks first whether anybody is there."""
_BLOB: Final = re.compile(r"/api/blobs/[^/]*")


def speaks(path: str) -> bool:
    """Whether the path is one of Ollama's."""
    return path in _PATHS or _BLOB.fullmatch(path) is not None


def status_of(error: HiveError) -> int:
    """Ollama says 400 to what Hive says 422 to, and 404 for a model that it does not have."""
    if isinstance(error, UnknownModel | ModelNotFound):
        return NotFound.http_status
    return _BAD_REQUEST if error.http_status == _UNPROCESSABLE else error.http_status


def body_of(error: HiveError) -> bytes:
    return to_json({"error": error.message})


def respond(error: HiveError, request_id: str) -> Response:
    """See coordinator.gateway.llm.dialects.Dialect."""
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="Hive"'
    return Response(body_of(error), status_of(error), headers, "application/json; charset=utf-8")


def not_found(model: str) -> UnknownModel:
    """As /api/chat and the embedding paths word it."""
    return UnknownModel(f'model "{model}" not found, try pulling it first')


def not_there(model: str) -> UnknownModel:
    """As the other paths word it."""
    return UnknownModel(f"model '{model}' not found")


def no_body() -> InvalidJson:
    return InvalidJson("missing request body")
