"""What people order about an agent: that it takes nothing more, that it works again, what it is called."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import AgentNotFound, InvalidId, InvalidJson, PayloadTooLarge, UnsupportedMediaType
from bus.messages import AgentRecord, AgentRef
from bus.messages.orders import DrainAgent, DrainWish, LabelAgent, LabelChanges, LabelSet
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import agents as examples
from coordinator.gateway.routes.declared import AgentIdPath, Caller, Door, answer, needs

router = APIRouter(prefix="/api/agents/{agent_id}", tags=["agents"], route_class=JsonRoute)

_NEEDS = needs(Permission.AGENTS_MANAGE, InvalidId, AgentNotFound)
_NEEDS_BODY = needs(Permission.AGENTS_MANAGE, InvalidId, InvalidJson, PayloadTooLarge, UnsupportedMediaType, AgentNotFound)
_Drain = Annotated[DrainWish, Body(openapi_examples=examples.DRAINS)]
_All = Annotated[LabelSet, Body(openapi_examples=examples.LABEL_SETS)]
_Some = Annotated[LabelChanges, Body(openapi_examples=examples.LABEL_CHANGES)]


@router.post("/drain", summary="Give an agent nothing more", response_model=AgentRecord, **_NEEDS_BODY)
async def drain(agent_id: AgentIdPath, wish: _Drain, gateway: Door, caller: Caller) -> Response:
    """What runs there ends; `drained` is true when the last has. It holds until it is resumed, also when anything is restarted."""
    body = DrainAgent(agent_id=agent_id, reason=wish.reason)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_AGENTS, "drain", body, AgentRecord, caller))


@router.post("/resume", summary="Give a drained agent work again", response_model=AgentRecord, **_NEEDS)
async def resume(agent_id: AgentIdPath, gateway: Door, caller: Caller) -> Response:
    """An agent that was not drained stays as it is, and one under maintenance rests until that is over."""
    body = AgentRef(agent_id=agent_id)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_AGENTS, "resume", body, AgentRecord, caller))


@router.put("/labels", summary="Set the labels of an agent", response_model=AgentRecord, **_NEEDS_BODY)
async def set_labels(agent_id: AgentIdPath, wish: _All, gateway: Door, caller: Caller) -> Response:
    """All that people gave it. Those of its sidecar's own settings stay, and count where none of these has their name."""
    body = LabelAgent(agent_id=agent_id, labels={**wish.labels}, replace=True)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_AGENTS, "label", body, AgentRecord, caller))


@router.patch("/labels", summary="Change labels of an agent", response_model=AgentRecord, **_NEEDS_BODY)
async def change_labels(agent_id: AgentIdPath, wish: _Some, gateway: Door, caller: Caller) -> Response:
    """Gives those that are named; null takes one back."""
    body = LabelAgent(agent_id=agent_id, labels=wish.labels)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_AGENTS, "label", body, AgentRecord, caller))
