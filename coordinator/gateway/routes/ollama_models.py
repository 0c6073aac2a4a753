"""The part of Ollama's API that is about models themselves. What moves them needs the permission agents.manage."""

from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json
from starlette.responses import StreamingResponse

from bus import auth, subjects
from bus.auth import Permission
from bus.errors import AgentUnable, HiveError, PermissionDenied
from bus.messages import AgentRecord, Claims
from bus.messages.base import Text
from bus.messages.models import ModelAction, ModelRef, ShownModel
from bus.submit import listed
from coordinator.gateway import verbs
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.ollama import models
from coordinator.gateway.llm.ollama.answer import LINES
from coordinator.gateway.llm.ollama.common import Named, named, read
from coordinator.gateway.llm.ollama.errors import body_of as error_body
from coordinator.gateway.llm.ollama.errors import not_there
from coordinator.gateway.llm.ollama.moving import having, pulled_to, step_of
from coordinator.gateway.llm.ollama.ordering import done, follow
from coordinator.gateway.llm.reading import wrong
from coordinator.gateway.routes.ollama import asker, body_of, json

router = APIRouter(include_in_schema=False)


class Pull(Named):
    stream: bool | None = None


class Copy(Named):
    source: Text = ""
    destination: Text = ""


@router.post("/api/show")
async def show(request: Request) -> Response:
    gateway, claims = asker(request)
    auth.require(claims, Permission.AGENTS_VIEW)
    name = named(read(Named, await body_of(request)))
    agents = _agents(gateway)
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
    name = _movable(claims, asked.model, "invalid model name")
    agents = pulled_to(name, _agents(gateway))
    if not agents:
        raise AgentUnable(f"No Ollama is there to pull {name}. Add a host with `hive agents add`, then pull again.")
    if asked.stream is False:
        await done(gateway, claims, ModelAction.PULL, name, agents)
        return json({"status": "success"})
    return StreamingResponse(_pulling(gateway, claims, name, agents), media_type=LINES)


async def _pulling(gateway: Gateway, claims: Claims, name: str, agents: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
    """As Ollama does, with what went wrong in a line of its own."""
    try:
        async for jobs in follow(gateway, claims, ModelAction.PULL, name, agents):
            if not all(job.status.terminal for job in jobs):
                yield to_json(step_of(jobs)) + b"\n"
    except HiveError as error:
        yield error_body(error) + b"\n"
    else:
        yield b'{"status":"success"}\n'


@router.delete("/api/delete")
async def delete(request: Request) -> Response:
    """From every host that is there."""
    gateway, claims = asker(request)
    asked = read(Named, await body_of(request))
    name = _movable(claims, asked.model, 'name "" is invalid')
    agents = having(name, _agents(gateway))
    if not agents:
        raise not_there(name)
    await done(gateway, claims, ModelAction.DELETE, name, agents)
    return Response()


@router.post("/api/copy")
async def copy(request: Request) -> Response:
    _, claims = asker(request)
    asked = read(Copy, await body_of(request))
    _movable(claims, asked.source, 'source "" is invalid')
    raise AgentUnable(
        f"Hive copies no model files. Give {asked.source} the other name by `hive models alias {asked.destination or 'NAME'} {asked.source}`."
    )


@router.post("/api/create")
async def create(request: Request) -> Response:
    _, claims = asker(request)
    asked = read(Named, await body_of(request))
    name = _movable(claims, asked.model, "invalid model name")
    raise AgentUnable(
        f"Hive creates no models. Create {name} on a host by its own `ollama create`; Hive shows it within seconds."
    )


def _movable(claims: Claims, model: str, empty: str) -> str:
    """PermissionDenied, InvalidRequest."""
    auth.require(claims, Permission.AGENTS_MANAGE)
    if not model:
        raise wrong("model", empty)
    if not auth.allows_model(claims, model):
        raise PermissionDenied(f"This key may not use {model!r}, only {listed(claims.models)}.")
    return model


def _agents(gateway: Gateway) -> list[AgentRecord]:
    return [agent for _, agent in sorted(gateway.overview.agents.items.items())]
