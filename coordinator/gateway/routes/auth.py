"""People sign in for an access token, refresh it, and sign out. The public keys that verify tokens are anybody's to read."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Request, Response
from pydantic import Field

from bus import auth, subjects
from bus.auth import Permission
from bus.errors import (
    BusUnavailable,
    DatabaseUnavailable,
    DeadlineExceeded,
    InvalidJson,
    InvalidRequest,
    LoginFailed,
    NoLeader,
    PayloadTooLarge,
    PermissionDenied,
    SessionOver,
    TooManyAttempts,
    UnsupportedMediaType,
    UserDisabled,
    WeakPassword,
)
from bus.messages import Claims, NoReply
from bus.messages.base import Command, Record, Text
from bus.messages.people import ChangePassword, EndSession, Password, Refresh, SignIn, Tokens
from coordinator.gateway import verbs
from coordinator.gateway.body import ShortJsonRoute
from coordinator.gateway.examples import people as examples
from coordinator.gateway.examples.answers import shown
from coordinator.gateway.gate import JWKS_PATH, LOGIN_PATH, REFRESH_PATH
from coordinator.gateway.routes.declared import Caller, Door, answer, needs_any_key, needs_no_key

router = APIRouter(tags=["auth"], route_class=ShortJsonRoute)

NOBODY: Final = Claims(sub="login", roles=())
"""Who asks for somebody that is not known yet: what is shown is the only right."""
_SECRET: Final = {"Cache-Control": "no-store"}
_BODY = (InvalidRequest, InvalidJson, PayloadTooLarge, UnsupportedMediaType)
_AWAY = (BusUnavailable, NoLeader, DatabaseUnavailable, DeadlineExceeded)


class NameAndPassword(Command):
    name: Text = Field(max_length=256)
    password: Password = Field(repr=False)


class Me(Record):
    """Who asks, as the hive knows it."""

    claims: Claims
    permissions: tuple[Permission, ...]


class KeySet(Record):
    """RFC 7517."""

    keys: tuple[dict[str, str], ...]


@router.post(
    LOGIN_PATH,
    summary="Sign in",
    response_model=Tokens,
    **needs_no_key(*_BODY, LoginFailed, UserDisabled, TooManyAttempts, *_AWAY),
)
async def login(
    given: Annotated[NameAndPassword, Body(openapi_examples=examples.LOGINS)], request: Request, gateway: Door
) -> Response:
    """An access token (JWT) for 15 minutes, to be sent as Bearer, and a refresh token for the next one."""
    address = request.client.host if request.client else None
    asked = SignIn(name=given.name, password=given.password, address=address)
    found = await verbs.order(gateway.bus, subjects.SERVICE_SESSIONS, "login", asked, Tokens, NOBODY)
    told = NOBODY.model_copy(update={"sub": given.name, "address": address, "via": LOGIN_PATH})
    await gateway.bus.auditor.happened("doors.login", told, "by=password")
    return answer(found, headers=_SECRET)


@router.post(REFRESH_PATH, summary="Refresh a token", response_model=Tokens, **needs_no_key(*_BODY, SessionOver, *_AWAY))
async def refresh(shown: Annotated[Refresh, Body(openapi_examples=examples.REFRESHES)], gateway: Door) -> Response:
    """The next access token and the next refresh token. One that comes a second time ends its session: somebody has a copy."""
    found = await verbs.order(gateway.bus, subjects.SERVICE_SESSIONS, "refresh", shown, Tokens, NOBODY)
    return answer(found, headers=_SECRET)


@router.post(
    "/api/auth/logout", summary="Sign out", status_code=204, response_class=Response, **needs_any_key(PermissionDenied)
)
async def logout(gateway: Door, caller: Caller) -> Response:
    """The session of the access token ends, with all its tokens, at every door."""
    if caller.session_id is None:
        raise PermissionDenied("A key has no session. Revoke it instead: hive keys revoke.")
    ending = EndSession(session_id=caller.session_id)
    await verbs.order(gateway.bus, subjects.SERVICE_SESSIONS, "logout", ending, NoReply, caller)
    return Response(status_code=204)


@router.post(
    "/api/auth/password",
    summary="Change one's own password",
    status_code=204,
    response_class=Response,
    **needs_any_key(*_BODY, LoginFailed, WeakPassword, PermissionDenied, TooManyAttempts),
)
async def change_password(
    change: Annotated[ChangePassword, Body(openapi_examples=examples.CHANGES)], gateway: Door, caller: Caller
) -> Response:
    """All sessions end, this one too: sign in anew."""
    await verbs.order(gateway.bus, subjects.SERVICE_USERS, "change_password", change, NoReply, caller)
    return Response(status_code=204)


@router.get("/api/auth/me", summary="Who asks", response_model=Me, **needs_any_key(also=shown(examples.ME)))
async def me(caller: Caller) -> Response:
    """Name, roles, tenant, and each permission that follows."""
    return answer(Me(claims=caller, permissions=tuple(each for each in Permission if auth.allows(caller, each))))


@router.get(
    JWKS_PATH, summary="The keys that verify access tokens", response_model=KeySet, **needs_no_key(also=shown(examples.KEY_SET))
)
async def jwks(gateway: Door) -> Response:
    """A JSON Web Key Set: ES256, the newest first."""
    return answer(KeySet(keys=tuple(gateway.verified.public_keys)), headers={"Cache-Control": "public, max-age=300"})
