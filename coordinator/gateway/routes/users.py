"""Users: made, listed, disabled, removed, by whoever may manage them."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Body, Path, Response
from pydantic import BaseModel, Field

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    InvalidId,
    InvalidJson,
    LastAdmin,
    PayloadTooLarge,
    UnsupportedMediaType,
    UserExists,
    UserNotFound,
    WeakPassword,
)
from bus.messages import Claims, NoReply, Role
from bus.messages.access import UserName
from bus.messages.base import Command
from bus.messages.people import CreateUser, Password, SetPassword, SetRoles, UserList, UserRecord, UserRef
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import people as examples
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/users", tags=["users"], route_class=JsonRoute)

M = TypeVar("M", bound=BaseModel)
MANAGE = Permission.USERS_MANAGE
BODY = (InvalidJson, PayloadTooLarge, UnsupportedMediaType)
NamePath = Annotated[UserName, Path(description="the user's name", examples=["anna"])]


class NewRoles(Command):
    roles: tuple[Role, ...] = Field(min_length=1)


class NewPassword(Command):
    password: Password = Field(repr=False)


@router.get("", summary="List users", response_model=UserList, **needs(MANAGE))
async def list_users(gateway: Door, caller: Caller) -> Response:
    """Those who sign in, and those who have keys alone (`roles` is then empty)."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_USERS, "list", NoReply(), UserList, caller))


@router.post(
    "",
    summary="Create a user",
    status_code=201,
    response_model=UserRecord,
    **needs(MANAGE, *BODY, UserExists, WeakPassword),
)
async def create_user(
    user: Annotated[CreateUser, Body(openapi_examples=examples.USERS)], gateway: Door, caller: Caller
) -> Response:
    """Also gives roles and a password to somebody who has had keys alone."""
    return answer(await _order(gateway, "create", user, UserRecord, caller), 201)


@router.post(
    "/{name}/disable", summary="Disable a user", response_model=UserRecord, **needs(MANAGE, InvalidId, UserNotFound, LastAdmin)
)
async def disable_user(name: NamePath, gateway: Door, caller: Caller) -> Response:
    """Sessions end, and the user's keys open nothing, at every door, until the user is enabled."""
    return answer(await _order(gateway, "disable", UserRef(name=name), UserRecord, caller))


@router.post("/{name}/enable", summary="Enable a user", response_model=UserRecord, **needs(MANAGE, InvalidId, UserNotFound))
async def enable_user(name: NamePath, gateway: Door, caller: Caller) -> Response:
    """The user's keys open again what they opened; sessions are begun anew."""
    return answer(await _order(gateway, "enable", UserRef(name=name), UserRecord, caller))


@router.put(
    "/{name}/roles",
    summary="Give a user other roles",
    response_model=UserRecord,
    **needs(MANAGE, *BODY, InvalidId, UserNotFound, LastAdmin),
)
async def set_roles(
    name: NamePath, roles: Annotated[NewRoles, Body(openapi_examples=examples.ROLES)], gateway: Door, caller: Caller
) -> Response:
    """At once, for sessions that are open too. Keys have roles of their own."""
    return answer(await _order(gateway, "roles", SetRoles(name=name, roles=roles.roles), UserRecord, caller))


@router.put(
    "/{name}/password",
    summary="Set a user's password",
    response_model=UserRecord,
    **needs(MANAGE, *BODY, InvalidId, UserNotFound, WeakPassword),
)
async def set_password(
    name: NamePath, password: Annotated[NewPassword, Body(openapi_examples=examples.PASSWORDS)], gateway: Door, caller: Caller
) -> Response:
    """The user's sessions end."""
    return answer(await _order(gateway, "password", SetPassword(name=name, password=password.password), UserRecord, caller))


@router.delete(
    "/{name}",
    summary="Remove a user",
    status_code=204,
    response_class=Response,
    **needs(MANAGE, InvalidId, UserNotFound, LastAdmin),
)
async def remove_user(name: NamePath, gateway: Door, caller: Caller) -> Response:
    """Sessions end and keys are revoked. What the user owns keeps the name; whoever is created with it again has that back."""
    await _order(gateway, "remove", UserRef(name=name), NoReply, caller)
    return Response(status_code=204)


async def _order(gateway: Gateway, verb: str, body: BaseModel, answer: type[M], caller: Claims) -> M:
    return await verbs.order(gateway.bus, subjects.SERVICE_USERS, verb, body, answer, caller)
