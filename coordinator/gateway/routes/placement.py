"""Where models are wished: the whole wish at once, and how far the fleet has come with it."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import InvalidJson, PayloadTooLarge, UnsupportedMediaType
from bus.messages import NoReply
from bus.messages.models import ApplyPlacement, Placement, WishedModels
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import models as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/placement", tags=["models"], route_class=JsonRoute)


@router.get("", summary="What is wished, and how far it is", response_model=Placement, **needs(Permission.MODELS_VIEW))
async def get_placement(gateway: Door, caller: Caller) -> Response:
    """The wish with who made it and when; of each model the agents chosen, what each waits for, and what others lack.

    Any replica answers, also while nobody leads.
    """
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_MODELS, "placement", NoReply(), Placement, caller))


@router.put(
    "",
    summary="Wish models",
    response_model=Placement,
    **needs(Permission.MODELS_MANAGE, InvalidJson, PayloadTooLarge, UnsupportedMediaType),
)
async def put_placement(
    wished: Annotated[WishedModels, Body(openapi_examples=examples.PLACEMENTS)],
    gateway: Door,
    caller: Caller,
    dry_run: Annotated[bool, Query(description="only tell what would be done now")] = False,
) -> Response:
    """In place of the wish before. Hive pulls, loads and unloads models until the fleet is so, and keeps it so."""
    order = ApplyPlacement(models=wished.models, dry_run=dry_run)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_PLACEMENT, "apply", order, Placement, caller))
