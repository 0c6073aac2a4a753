"""Join tokens, and the one door that takes a token instead of a key: a new host has nothing else yet."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse

from bus import subjects, telemetry
from bus.auth import Permission
from bus.errors import (
    BusUnavailable,
    DatabaseUnavailable,
    DeadlineExceeded,
    HiveError,
    InvalidId,
    InvalidJson,
    InvalidRequest,
    JoiningNotSetUp,
    JoinRefused,
    JoinTokenExpired,
    JoinTokenRevoked,
    JoinTokenUsedUp,
    NameTaken,
    NoLeader,
    NotFound,
    PayloadTooLarge,
    TooManyAttempts,
    UnknownJoinToken,
    UnsupportedMediaType,
)
from bus.messages import Claims
from bus.messages.joining import (
    MOST_TOKENS,
    CreateJoinToken,
    IssuedJoinToken,
    JoinedHost,
    JoinGrant,
    JoinHive,
    JoinTokenList,
    JoinTokenRecord,
    JoinTokenRef,
    ListJoinTokens,
)
from bus.nats_complaints import without_password
from coordinator.gateway import verbs
from coordinator.gateway.asking import address_of, via
from coordinator.gateway.body import JsonRoute, ShortJsonRoute
from coordinator.gateway.bus_address import bus_address
from coordinator.gateway.examples import keys as examples
from coordinator.gateway.gate import AUTHORITY_PATH, JOIN_PATH
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.routes.declared import Caller, Door, answer, needs, needs_no_key

logger = telemetry.log(__name__)

JOINING: Final = Claims(sub="join", roles=())
"""Who asks the leader for a host that has no name here yet: the token is its only right."""
_SECRET: Final = {"Cache-Control": "no-store"}

router = APIRouter(prefix="/api/join-tokens", tags=["agents"], route_class=JsonRoute)
door = APIRouter(tags=["agents"], route_class=ShortJsonRoute)


@router.get("", summary="List join tokens", response_model=JoinTokenList, **needs(Permission.AGENTS_MANAGE))
async def list_tokens(
    gateway: Door, caller: Caller, limit: Annotated[int, Query(ge=1, le=MOST_TOKENS, description="how many")] = 50
) -> Response:
    """Newest first, those that are over included until their retention ends; never a secret."""
    body = ListJoinTokens(limit=limit)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_JOIN_TOKENS, "list", body, JoinTokenList, caller))


@router.post(
    "",
    summary="Create a join token",
    status_code=201,
    response_model=IssuedJoinToken,
    **needs(Permission.AGENTS_MANAGE, InvalidJson, PayloadTooLarge, UnsupportedMediaType),
)
async def create_token(
    token: Annotated[CreateJoinToken, Body(openapi_examples=examples.JOIN_TOKENS)], gateway: Door, caller: Caller
) -> Response:
    """On the new host: `hive join TOKEN`. The secret is shown here and never again."""
    issued = await verbs.order(gateway.bus, subjects.SERVICE_JOIN_TOKENS, "create", token, IssuedJoinToken, caller)
    return answer(issued, 201, _SECRET)


@router.delete(
    "/{token_id}",
    summary="Revoke a join token",
    response_model=JoinTokenRecord,
    **needs(Permission.AGENTS_MANAGE, InvalidId, NotFound),
)
async def revoke_token(
    token_id: Annotated[UUID, Path(description="the token's id")], gateway: Door, caller: Caller
) -> Response:
    """Nobody joins by it from now on. Hosts that have joined stay."""
    body = JoinTokenRef(id=token_id)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_JOIN_TOKENS, "revoke", body, JoinTokenRecord, caller))


@door.post(
    JOIN_PATH,
    summary="Join as a host",
    response_model=JoinGrant,
    **needs_no_key(
        InvalidRequest,
        InvalidJson,
        PayloadTooLarge,
        UnsupportedMediaType,
        JoinRefused,
        UnknownJoinToken,
        JoinTokenExpired,
        JoinTokenUsedUp,
        JoinTokenRevoked,
        NameTaken,
        JoiningNotSetUp,
        TooManyAttempts,
        BusUnavailable,
        NoLeader,
        DatabaseUnavailable,
        DeadlineExceeded,
    ),
)
async def join(asked: Annotated[JoinHive, Body(openapi_examples=examples.JOINS)], request: Request, gateway: Door) -> Response:
    """What `hive join` asks: a join token becomes all that a sidecar needs. The same host may ask again, if an answer was lost.

    After ten attempts that failed the next ones of an address wait, each longer than the one before.
    """
    address = address_of(request.scope)
    attempt = await gateway.guard.begin("join", address)
    joining = JOINING.model_copy(update={"address": address, "via": via(request.scope)})
    try:
        host = await verbs.ask(gateway.bus, subjects.SERVICE_JOIN_TOKENS, "redeem", asked, JoinedHost, joining)
    except JoinRefused as refusal:
        logger.warning("join_refused", address=address, host=asked.name, code=refusal.code)
        await gateway.guard.failed(attempt)
        raise
    except HiveError:
        await gateway.guard.succeeded(attempt)  # nobody has looked at the token
        raise
    await gateway.guard.succeeded(attempt)
    granted = JoinGrant(
        hive_id=host.hive_id,
        name=host.name,
        labels=host.labels,
        agents=asked.agents,
        nats_url=_bus_of(gateway, request.url.hostname, by_key=host.by_key),
    )
    return answer(granted, headers=_SECRET)


@door.get(AUTHORITY_PATH, summary="Read the authority", response_class=PlainTextResponse, **needs_no_key(NotFound))
async def authority(gateway: Door) -> Response:
    """The certificate of whoever vouches for this hive's own, as PEM. A join token carries its fingerprint."""
    file = gateway.settings.tls_ca
    if file is None:
        raise NotFound(
            "This hive has no authority of its own. Start it with `hive up --listen`, or reach it by a name that machines trust."
        )
    return PlainTextResponse(file.read_text(), media_type="application/x-pem-file")


def _bus_of(gateway: Gateway, reached: str | None, *, by_key: bool) -> str:
    """JoiningNotSetUp rather than this gateway's own password, which opens more than a host may."""
    settings = gateway.settings
    if settings.join_nats_url is not None:
        return settings.join_nats_url.get_secret_value()
    bare = [without_password(server) for server in settings.nats_servers]
    if not by_key and bare != list(settings.nats_servers):
        raise JoiningNotSetUp(
            "The coordinators let no host in by its own key, and the gateway keeps its password of the bus to itself. Give the "
            "coordinators HIVE_NATS_ADMISSION_SEED, or the gateway HIVE_JOIN_NATS_URL: the bus, by a user that hosts may have. Then run "
            "`hive join` again, which costs the token no other use."
        )
    return bus_address(bare, reached or "127.0.0.1")
