"""Aliases of models, for the doors of clients."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import InvalidId, InvalidJson, ModelNotFound, PayloadTooLarge, UnsupportedMediaType
from bus.messages import NoReply
from bus.messages.aliases import AliasList, AliasRef, AliasTargets, ModelAlias
from bus.messages.models import ModelName
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import models as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs

router = APIRouter(prefix="/api/aliases", tags=["models"], route_class=JsonRoute)

AliasPath = Annotated[ModelName, Path(description="the name that clients write", examples=["gpt-4o-mini"])]


@router.get("", summary="List aliases of models", response_model=AliasList, **needs(Permission.MODELS_VIEW))
async def list_aliases(gateway: Door) -> Response:
    """Every name, and the models that it stands for, the best first."""
    return answer(gateway.aliases.list())


@router.put(
    "/{alias:path}",
    summary="Name models by another name",
    response_model=ModelAlias,
    **needs(Permission.MODELS_MANAGE, InvalidId, InvalidJson, PayloadTooLarge, UnsupportedMediaType),
)
async def put_alias(
    alias: AliasPath, targets: Annotated[AliasTargets, Body(openapi_examples=examples.ALIASES)], gateway: Door, caller: Caller
) -> Response:
    """Whoever asks for the name through the doors of OpenAI, Ollama or Anthropic gets the first of the models that is on an agent
    that takes work, else the first. A model's own name may be an alias: its stand-ins are then named behind itself.
    """
    named = ModelAlias(alias=alias, models=targets.models)
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_MODELS, "alias", named, ModelAlias, caller))


@router.delete(
    "/{alias:path}",
    summary="Forget an alias",
    status_code=204,
    response_class=Response,
    **needs(Permission.MODELS_MANAGE, InvalidId, ModelNotFound),
)
async def delete_alias(alias: AliasPath, gateway: Door, caller: Caller) -> Response:
    """The models that it stood for stay as they are."""
    await verbs.order(gateway.bus, subjects.SERVICE_MODELS, "unalias", AliasRef(alias=alias), NoReply, caller)
    return Response(status_code=204)
