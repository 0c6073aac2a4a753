"""The part of Ollama's API that is about models themselves. What moves them needs the permission models.manage, which agents.manage includes."""

from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json
from starlette.responses import StreamingResponse

from bus import auth, subjects
from bus.auth import Permission
from bus.errors import AgentUnable, HiveError, PermissionDenied, UnknownModel
from bus.messages import AgentRecord, Claims
from bus.messages.definitions import ModelDefinition
from bus.messages.models import MakeModel, ModelAction, ModelOrder, ModelRef, ShownModel
from bus.submit import listed
from coordinator.gateway import verbs
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.ollama import models
from coordinator.gateway.llm.ollama.answer import LINES
from coordinator.gateway.llm.ollama.common import INVALID_NAME, Named, is_name, named, read
from coordinator.gateway.llm.ollama.create_request import Copy, Create, Pull, definition_of, source_of
from coordinator.gateway.llm.ollama.errors import body_of as error_body
from coordinator.gateway.llm.ollama.errors import not_found, not_there
from coordinator.gateway.llm.ollama.moving import having, made_on, pulled_to, step_of
from coordinator.gateway.llm.ollama.ordering import done, follow, gone, shown
from coordinator.gateway.llm.reading import wrong
from coordinator.gateway.routes.ollama import asker, body_of, json

router = APIRouter(tags=["Ollama"])


@router.post("/api/show")
async def show(request: Request) -> Response:
    """What its host tells of a model: template, parameters, licence, what it can do."""
    gateway, claims = asker(request)
    auth.require(claims, Permission.MODELS_VIEW)
    name = named(read(Named, await body_of(request)))
    agents = gateway.hosts()
    for model in models.chain(name, gateway.named.items):
        allowed = auth.allows_model(claims, model) or auth.allows_model(claims, name)
        if allowed and (copies := models.copies(model, agents)):
            every = claims.model_copy(update={"models": ()})  # what an alias stands for need not be named
            ref = ModelRef(name=copies[0].name)
            found = await verbs.ask(gateway.bus, subjects.SERVICE_MODELS, "show", ref, ShownModel, every)
            return json(found.shown or models.shown(copies[0]))
    raise not_there(name)


@router.post("/api/pull")
async def pull(request: Request) -> Response:
    """To the Ollamas that have it already; else to one."""
    gateway, claims = asker(request)
    asked = read(Pull, await body_of(request))
    name = _movable(claims, asked.model, INVALID_NAME)
    agents = pulled_to(name, _agents(gateway))
    if not agents:
        raise AgentUnable(f"No Ollama is there to pull {name}. Add a host with `hive agents add`, then pull again.")
    order = ModelOrder(model=name, agents=agents)
    if asked.stream is False:
        await _made(gateway, claims, ModelAction.PULL, order)
        return json({"status": "success"})
    return StreamingResponse(_steps(gateway, claims, ModelAction.PULL, order), media_type=LINES)


async def _steps(gateway: Gateway, claims: Claims, action: ModelAction, order: ModelOrder) -> AsyncGenerator[bytes, None]:
    """As Ollama does, with what went wrong in a line of its own."""
    try:
        async for jobs in follow(gateway, claims, action, order):
            if not all(job.status.terminal for job in jobs):
                yield to_json(step_of(jobs)) + b"\n"
        await shown(gateway, order)
    except HiveError as error:
        yield error_body(error) + b"\n"
    else:
        yield b'{"status":"success"}\n'


async def _made(gateway: Gateway, claims: Claims, action: ModelAction, order: ModelOrder) -> None:
    await done(gateway, claims, action, order)
    await shown(gateway, order)


@router.delete("/api/delete")
async def delete(request: Request) -> Response:
    """From every host that is there."""
    gateway, claims = asker(request)
    asked = read(Named, await body_of(request))
    name = _movable(claims, asked.model, f'name "{asked.model}" is invalid')
    agents = having(name, _agents(gateway))
    if not agents:
        raise not_there(name)
    order = ModelOrder(model=name, agents=agents)
    await done(gateway, claims, ModelAction.DELETE, order)
    await gone(gateway, order)
    return Response()


@router.post("/api/copy")
async def copy(request: Request) -> Response:
    """On every Ollama that has it."""
    gateway, claims = asker(request)
    asked = read(Copy, await body_of(request))
    source = _movable(claims, asked.source, f'source "{asked.source}" is invalid', "source")
    model = _movable(claims, asked.destination, f'destination "{asked.destination}" is invalid', "destination")
    made_of, agents = _made_of(gateway, model, source)
    if not agents:
        raise UnknownModel(f'model "{source}" not found')
    definition = ModelDefinition(source=made_of)
    await _made(gateway, claims, ModelAction.COPY, MakeModel(model=model, agents=agents, definition=definition))
    return Response()


@router.post("/api/create")
async def create(request: Request) -> Response:
    """On every Ollama that has what it is made of."""
    gateway, claims = asker(request)
    asked = read(Create, await body_of(request))
    model = _movable(claims, asked.model, INVALID_NAME)
    source = _movable(claims, source_of(asked), INVALID_NAME, "from")
    made_of, agents = _made_of(gateway, model, source)
    if not agents:
        raise not_found(source)
    order = MakeModel(model=model, agents=agents, definition=definition_of(asked, made_of))
    if asked.stream is False:
        await _made(gateway, claims, ModelAction.CREATE, order)
        return json({"status": "success"})
    return StreamingResponse(_steps(gateway, claims, ModelAction.CREATE, order), media_type=LINES)


def _made_of(gateway: Gateway, model: str, source: str) -> tuple[str, tuple[str, ...]]:
    """The first of the models that the source's name stands for which an Ollama has, and where; Conflict."""
    agents = _agents(gateway)
    for name in models.chain(source, gateway.named.items):
        if there := made_on(model, name, agents):
            return name, there
    return source, ()


def _movable(claims: Claims, model: str, invalid: str, param: str = "model") -> str:
    """PermissionDenied, InvalidRequest."""
    auth.require(claims, Permission.MODELS_MANAGE)
    if not is_name(model):
        raise wrong(param, invalid)
    if not auth.allows_model(claims, model):
        raise PermissionDenied(f"This key may not use {model!r}, only {listed(claims.models)}.")
    return model


def _agents(gateway: Gateway) -> list[AgentRecord]:
    return [agent for _, agent in sorted(gateway.overview.agents.items.items())]
