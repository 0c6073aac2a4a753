"""What every route says of itself: the permission that it needs, and the errors that it may answer with."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Path, Request, Response
from pydantic import BaseModel
from starlette.types import Scope

from bus import auth
from bus.auth import Permission
from bus.errors import (
    BusUnavailable,
    DatabaseUnavailable,
    DeadlineExceeded,
    HiveError,
    InvalidRequest,
    NoLeader,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
)
from bus.limits.rates import Limited
from bus.messages import Claims
from bus.messages.base import Slug
from coordinator.gateway import problem
from coordinator.gateway.asking import CLAIMS
from coordinator.gateway.envelope import HEADERS, REQUEST_ID
from coordinator.gateway.gateway import Gateway

PERMISSION_FIELD: Final = "x-hive-permission"
LIMIT_FIELD: Final = "x-hive-rate-limit"
ANY_KEY: Final = "any key"
NO_KEY: Final = "no key"
GATEWAY: Final = "gateway"
"""The name of the Gateway in the app's state."""

Responses = dict[int | str, dict[str, Any]]
"""As FastAPI takes them: by status."""
_ALWAYS = (InvalidRequest, Unauthenticated, RateLimited, BusUnavailable, NoLeader, DatabaseUnavailable, DeadlineExceeded)


def gateway_of(request: Request) -> Gateway:
    found: Gateway = getattr(request.app.state, GATEWAY)
    return found


async def _gateway(request: Request) -> Gateway:
    return gateway_of(request)


async def _caller(request: Request) -> Claims:
    claims: Claims = request.scope[CLAIMS]
    return claims


async def _request_id(request: Request) -> str:
    request_id: str = request.scope[REQUEST_ID]
    return request_id


Door = Annotated[Gateway, Depends(_gateway)]
Caller = Annotated[Claims, Depends(_caller)]
RequestId = Annotated[str, Depends(_request_id)]
TaskIdPath = Annotated[UUID, Path(description="the task's id", examples=["6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e"])]
AgentIdPath = Annotated[Slug, Path(description="the agent's id", examples=["acacia"])]
IdempotencyKey = Annotated[
    str | None,
    Header(description="the same key brings the same task, however often it is sent", examples=["import-2026-11-23-0001"]),
]


def needs(
    permission: Permission, *errors: type[HiveError], also: Responses | None = None, limit: Limited | None = None
) -> dict[str, Any]:
    """For a route's decorator: refused without the permission. `also` are answers that are no problems; `limit` bounds how often."""

    async def check(request: Request) -> None:
        auth.require(request.scope[CLAIMS], permission)

    declared = _declared(permission, (*_ALWAYS, PermissionDenied, *errors), also)
    if limit is None:
        return {"dependencies": [Depends(check)], **declared}
    declared["openapi_extra"][LIMIT_FIELD] = limit
    return {"dependencies": [Depends(check), Depends(_limited(limit))], **declared}


def _limited(what: Limited) -> Callable[[Request], Awaitable[None]]:
    async def take(request: Request) -> None:
        await within_limit(gateway_of(request), what, request.scope)

    return take


async def within_limit(gateway: Gateway, what: Limited, scope: Scope) -> None:
    """PermissionDenied, RateLimited; the answer tells how the limit stands."""
    taken = await gateway.limits.take(what, scope[CLAIMS])
    scope[HEADERS] = {**scope.get(HEADERS, {}), **taken.headers}
    taken.require()


def needs_own(permission: Permission, *errors: type[HiveError], also: Responses | None = None) -> dict[str, Any]:
    """For a route's decorator: the owner may always, others with the permission. The room that knows the owner checks it."""
    return _declared(f"{permission}, or being the owner", (*_ALWAYS, PermissionDenied, *errors), also)


def needs_any_key(*errors: type[HiveError], also: Responses | None = None) -> dict[str, Any]:
    """For a route's decorator: whoever has a key. `also` are answers that are no problems."""
    return _declared(ANY_KEY, (*_ALWAYS, *errors), also)


def needs_no_key(*errors: type[HiveError], also: Responses | None = None) -> dict[str, Any]:
    """For a route's decorator: open (gate.py). `also` are answers that are no problems."""
    return {"openapi_extra": {PERMISSION_FIELD: NO_KEY, "security": []}, "responses": error_responses(errors) | (also or {})}


def _declared(permission: str, errors: tuple[type[HiveError], ...], also: Responses | None = None) -> dict[str, Any]:
    return {"openapi_extra": {PERMISSION_FIELD: permission}, "responses": error_responses(errors) | (also or {})}


def error_responses(errors: tuple[type[HiveError], ...]) -> Responses:
    """OpenAPI's responses: one a status, with an example a code."""
    responses: Responses = {}
    for error in dict.fromkeys(errors):
        response = responses.setdefault(error.http_status, {"description": error.title, "content": _content()})
        response["content"][problem.MEDIA_TYPE]["examples"][error.code] = _example(error)
        if error.title not in response["description"]:
            response["description"] += f"; {error.title[0].lower()}{error.title[1:]}"
    return responses


def _content() -> dict[str, Any]:
    return {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}}


def _example(error: type[HiveError]) -> Mapping[str, object]:
    shown = problem.describe(error(), "/api/…", "4bf92f3577b34da6a3ce929d0e0e4736")
    return {"summary": error.title, "value": shown.model_dump(mode="json")}


def answer(body: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON of a model that was validated already: nothing is checked or copied twice."""
    return Response(body.model_dump_json(), status, headers, "application/json")
