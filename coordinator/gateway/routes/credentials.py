"""Credentials of workflows: made, listed, changed, tried and removed. What they hold goes in and never comes out."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Request, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    Conflict,
    CredentialNotFound,
    CredentialUnreadable,
    InvalidId,
    InvalidJson,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from bus.messages import NoReply
from bus.messages.credentials import (
    ChangeCredential,
    ConnectCredential,
    ConnectUrl,
    CreateCredential,
    CredentialList,
    CredentialRecord,
    CredentialRef,
    CredentialTest,
    TrialUrl,
    TryCredential,
    UpdateCredential,
)
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import credentials as examples
from coordinator.gateway.gate import CALLBACK_PATH
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/credentials", tags=["credentials"], route_class=JsonRoute)

_BODY = (InvalidJson, PayloadTooLarge, UnsupportedMediaType, Conflict, CredentialUnreadable)
_CredentialId = Annotated[UUID, Path(description="the credential's id", examples=["2a6f9c1e-7d43-4b7e-9b8f-0d5f4f1f7a10"])]


@router.post(
    "",
    summary="Store a credential",
    status_code=201,
    response_model=CredentialRecord,
    **needs(Permission.CREDENTIALS_OWN, *_BODY),
)
async def create(
    wish: Annotated[CreateCredential, Body(openapi_examples=examples.CREDENTIALS)], gateway: Door, caller: Caller
) -> Response:
    """It is sealed before it is stored, and nothing shows what it holds again. Nodes find it by its name, or by its id."""
    made = await verbs.order(gateway.bus, subjects.SERVICE_CREDENTIALS, "create", wish, CredentialRecord, caller)
    return answer(made, 201, {"Location": f"/api/credentials/{made.id}"})


@router.get("", summary="List credentials", response_model=CredentialList, **needs(Permission.CREDENTIALS_OWN))
async def list_credentials(gateway: Door, caller: Caller) -> Response:
    """Your own and those that are shared; all of them with `credentials.manage`. Never what they hold."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_CREDENTIALS, "list", NoReply(), CredentialList, caller))


@router.get(
    "/{credential_id}",
    summary="Get a credential",
    response_model=CredentialRecord,
    **needs(Permission.CREDENTIALS_OWN, InvalidId, CredentialNotFound),
)
async def get_credential(credential_id: _CredentialId, gateway: Door, caller: Caller) -> Response:
    """Which fields it has, and not what is in them."""
    body = CredentialRef(id=credential_id)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_CREDENTIALS, "get", body, CredentialRecord, caller))


@router.put(
    "/{credential_id}",
    summary="Change a credential",
    response_model=CredentialRecord,
    **needs(Permission.CREDENTIALS_OWN, InvalidId, CredentialNotFound, *_BODY),
)
async def update(
    credential_id: _CredentialId,
    wish: Annotated[UpdateCredential, Body(openapi_examples=examples.CREDENTIAL_CHANGES)],
    gateway: Door,
    caller: Caller,
) -> Response:
    """What is left out stays, also of `data`; a field that is null goes. Executions use it from their next request on."""
    changed = ChangeCredential(id=credential_id, **{name: getattr(wish, name) for name in wish.model_fields_set})
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_CREDENTIALS, "update", changed, CredentialRecord, caller))


@router.delete(
    "/{credential_id}",
    summary="Remove a credential",
    status_code=204,
    response_class=Response,
    **needs(Permission.CREDENTIALS_OWN, InvalidId, CredentialNotFound),
)
async def remove(credential_id: _CredentialId, gateway: Door, caller: Caller) -> Response:
    """Nodes that name it fail from now on, and say so."""
    await verbs.order(gateway.bus, subjects.SERVICE_CREDENTIALS, "delete", CredentialRef(id=credential_id), NoReply, caller)
    return Response(status_code=204)


@router.post(
    "/{credential_id}/test",
    summary="Try a credential",
    response_model=CredentialTest,
    **needs(Permission.CREDENTIALS_OWN, InvalidId, CredentialNotFound),
)
async def try_credential(
    credential_id: _CredentialId,
    gateway: Door,
    caller: Caller,
    url: Annotated[TrialUrl | None, Query(description="what is asked with it, by GET; left out: what its type says")] = None,
) -> Response:
    """Asks who it is for: a database, a mail server, a server of tokens, a service by one GET that changes nothing. A type of no service,
    for which no address is named, is read and no more."""
    body = TryCredential(id=credential_id, url=url)
    return answer(
        await verbs.order(gateway.bus, subjects.SERVICE_CREDENTIALS, "test", body, CredentialTest, caller, seconds=40)
    )


@router.post(
    "/{credential_id}/connect",
    summary="Connect a credential",
    response_model=ConnectUrl,
    **needs(Permission.CREDENTIALS_OWN, InvalidId, CredentialNotFound, CredentialUnreadable),
)
async def connect(credential_id: _CredentialId, request: Request, gateway: Door, caller: Caller) -> Response:
    """For OAuth 2 by `authorizationCode` or `pkce`, and for OAuth 1: open the address and let the hive in. It works once, for some minutes."""
    back = f"{request.url.scheme}://{request.url.netloc}{CALLBACK_PATH}"
    body = ConnectCredential(id=credential_id, redirect_uri=back)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_CREDENTIALS, "connect", body, ConnectUrl, caller, seconds=40))
