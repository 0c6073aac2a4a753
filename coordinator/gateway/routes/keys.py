"""API keys: made, listed, revoked. The secret is in one answer only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Path, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import Conflict, InvalidId, InvalidJson, NotFound, PayloadTooLarge, UnsupportedMediaType
from bus.messages import CreateKey, IssuedKey, KeyList, KeyRecord, KeyRef, NoReply
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import keys as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/keys", tags=["keys"], route_class=JsonRoute)


@router.get("", summary="List keys", response_model=KeyList, **needs(Permission.KEYS_MANAGE))
async def list_keys(gateway: Door, caller: Caller) -> Response:
    """Revoked ones included; never a secret, only its first characters."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_KEYS, "list", NoReply(), KeyList, caller))


@router.post(
    "",
    summary="Create a key",
    status_code=201,
    response_model=IssuedKey,
    **needs(Permission.KEYS_MANAGE, InvalidJson, PayloadTooLarge, UnsupportedMediaType, Conflict),
)
async def create_key(
    key: Annotated[CreateKey, Body(openapi_examples=examples.KEYS)], gateway: Door, caller: Caller
) -> Response:
    """The secret is shown here and never again."""
    issued = await verbs.order(gateway.bus, subjects.SERVICE_KEYS, "create", key, IssuedKey, caller)
    return answer(issued, 201, {"Cache-Control": "no-store"})


@router.delete(
    "/{key_id}",
    summary="Revoke a key",
    response_model=KeyRecord,
    **needs(Permission.KEYS_MANAGE, InvalidId, NotFound),
)
async def revoke_key(key_id: Annotated[UUID, Path(description="the key's id")], gateway: Door, caller: Caller) -> Response:
    """It opens nothing from now on, at every door."""
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_KEYS, "revoke", KeyRef(id=key_id), KeyRecord, caller))
