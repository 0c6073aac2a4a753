"""Notifications: where alerts are sent. The addresses hold secrets, and are never shown."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Path, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import Conflict, InvalidId, InvalidJson, NotFound, NotificationFailed, PayloadTooLarge, UnsupportedMediaType
from bus.messages import NoReply
from bus.messages.notifications import (
    NotificationTarget,
    PutTarget,
    SentTest,
    TargetList,
    TargetName,
    TargetRef,
    TargetWish,
)
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import notifications as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/alerts/targets", tags=["alerts"], route_class=JsonRoute)

LONG_SECONDS: Final = 40.0
"""apprise takes seconds to load, and a mail server to answer."""
_Name = Annotated[TargetName, Path(description="the target's name", examples=["ops"])]


@router.get(
    "",
    summary="List where alerts are sent",
    response_model=TargetList,
    **needs(Permission.ALERT_TARGETS_MANAGE),
)
async def targets(gateway: Door, caller: Caller) -> Response:
    """Those of the settings and those that were put, without their addresses; how many changes wait, and how the last sending went."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_ALERTS, "targets", NoReply(), TargetList, caller))


@router.put(
    "/{name}",
    summary="Have alerts sent somewhere",
    response_model=NotificationTarget,
    **needs(Permission.ALERT_TARGETS_MANAGE, InvalidId, InvalidJson, PayloadTooLarge, UnsupportedMediaType, Conflict),
)
async def put_target(
    name: _Name, wish: Annotated[TargetWish, Body(openapi_examples=examples.TARGETS)], gateway: Door, caller: Caller
) -> Response:
    """Makes the target or replaces it. The address is sealed at rest; without one it stays as it was. 409 for one of the settings."""
    body = PutTarget(name=name, **dict(wish))
    return answer(
        await verbs.order(
            gateway.bus, subjects.SERVICE_ALERTS, "put_target", body, NotificationTarget, caller, seconds=LONG_SECONDS
        )
    )


@router.delete(
    "/{name}",
    summary="Send nothing there any more",
    response_model=NotificationTarget,
    **needs(Permission.ALERT_TARGETS_MANAGE, InvalidId, NotFound, Conflict),
)
async def remove_target(name: _Name, gateway: Door, caller: Caller) -> Response:
    """What waits to be sent there goes with it."""
    body = TargetRef(name=name)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_ALERTS, "remove_target", body, NotificationTarget, caller))


@router.post(
    "/{name}/test",
    summary="Send a test",
    response_model=SentTest,
    **needs(Permission.ALERT_TARGETS_MANAGE, InvalidId, NotFound, NotificationFailed),
)
async def test_target(name: _Name, gateway: Door, caller: Caller) -> Response:
    """A message that says it is a test, at once. 502 with the reason where it is not taken."""
    body = TargetRef(name=name)
    return answer(
        await verbs.order(gateway.bus, subjects.SERVICE_ALERTS, "test_target", body, SentTest, caller, seconds=LONG_SECONDS)
    )
