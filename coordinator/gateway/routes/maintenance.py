"""Windows of maintenance: agents that rest from one time to another."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import Conflict, InvalidId, InvalidJson, NotFound, PayloadTooLarge, UnsupportedMediaType
from bus.messages.maintenance import ListMaintenance, MaintenanceList, MaintenanceRef, MaintenanceWindow, PlanMaintenance
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import agents as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/maintenance", tags=["maintenance"], route_class=JsonRoute)

_WindowId = Annotated[UUID, Path(description="the window's id", examples=["3c1f6f0a-52c5-4a64-8f0e-0d4b8c7f4a11"])]


@router.post(
    "",
    summary="Have agents rest for a while",
    status_code=201,
    response_model=MaintenanceWindow,
    **needs(Permission.AGENTS_MANAGE, InvalidJson, PayloadTooLarge, UnsupportedMediaType, Conflict),
)
async def plan(
    window: Annotated[PlanMaintenance, Body(openapi_examples=examples.MAINTENANCE)], gateway: Door, caller: Caller
) -> Response:
    """They are drained when it begins and work again when it ends, unless a person drained them besides.

    Each phase is told by an event `system.maintenance`.
    """
    planned = await verbs.order(gateway.bus, subjects.SERVICE_MAINTENANCE, "plan", window, MaintenanceWindow, caller)
    return answer(planned, 201)


@router.get("", summary="List windows, latest beginning first", response_model=MaintenanceList, **needs(Permission.AGENTS_VIEW))
async def list_windows(query: Annotated[ListMaintenance, Query()], gateway: Door, caller: Caller) -> Response:
    """Those that are over among them, for as long as ended tasks are kept."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_MAINTENANCE, "list", query, MaintenanceList, caller))


@router.delete(
    "/{window_id}",
    summary="Cancel a window",
    response_model=MaintenanceWindow,
    **needs(Permission.AGENTS_MANAGE, InvalidId, NotFound, Conflict),
)
async def cancel(window_id: _WindowId, gateway: Door, caller: Caller) -> Response:
    """It does not begin, or ends now. 409 for one that is over."""
    body = MaintenanceRef(id=window_id)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_MAINTENANCE, "cancel", body, MaintenanceWindow, caller))
