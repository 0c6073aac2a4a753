"""Errors as RFC 9457 problem JSON: the one place that maps a HiveError to HTTP."""

from starlette.responses import Response

from bus.errors import HiveError, Unauthenticated
from bus.messages import Record

MEDIA_TYPE = "application/problem+json"


class Problem(Record):
    """The body of every answer that is an error. `code` is stable (docs/errors.md), `detail` says what to do next."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str


def describe(error: HiveError, instance: str, request_id: str) -> Problem:
    """`instance` is the path that was asked for."""
    return Problem(
        type=f"urn:hive:error:{error.code}",
        title=error.title,
        status=error.http_status,
        detail=error.message,
        instance=instance,
        code=error.code,
        request_id=request_id,
    )


def respond(error: HiveError, instance: str, request_id: str, *, browser: bool = False) -> Response:
    """`browser`: somebody looks at a page, so the challenge is one that a browser can ask its user about."""
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Basic realm="Hive", charset="UTF-8"' if browser else 'Bearer realm="Hive"'
    body = describe(error, instance, request_id).model_dump_json()
    return Response(body, status_code=error.http_status, headers=headers, media_type=MEDIA_TYPE)
