"""Ollama's API, for its clients: only the address and the key are another's. The protocol's own reference describes it."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from bus import auth
from bus.auth import Permission
from bus.errors import UnknownModel
from bus.messages import Claims
from bus.messages.models import ModelAction, ModelOrder
from coordinator.gateway.asking import CLAIMS
from coordinator.gateway.body import bounded
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.ollama import models
from coordinator.gateway.llm.ollama.answer import JSON, ChatWording, GenerateWording, LoadWording
from coordinator.gateway.llm.ollama.chat_request import chat_job, read_chat
from coordinator.gateway.llm.ollama.common import Asking
from coordinator.gateway.llm.ollama.embed_answer import NO_EMBEDDING, EmbeddingsWording, EmbedWording
from coordinator.gateway.llm.ollama.embed_request import embed_job, embeddings_job, read_embed, read_embeddings
from coordinator.gateway.llm.ollama.errors import ROOT, not_found, not_there
from coordinator.gateway.llm.ollama.generate_request import generate_job, load_job, read_generate
from coordinator.gateway.llm.ollama.moving import having
from coordinator.gateway.llm.ollama.ordering import done
from coordinator.gateway.llm.ollama.serving import OllamaServing
from coordinator.gateway.routes.declared import gateway_of

router = APIRouter(tags=["Ollama"])


def asker(request: Request) -> tuple[Gateway, Claims]:
    return gateway_of(request), request.scope[CLAIMS]


async def body_of(request: Request) -> bytes:
    """PayloadTooLarge."""
    return await bounded(request, gateway_of(request).settings.max_body_bytes)


def json(content: object) -> Response:
    return Response(to_json(content), media_type=JSON)


@router.get(ROOT, include_in_schema=False)
@router.head(ROOT, include_in_schema=False)
async def root() -> Response:
    """What Ollama's command line asks before anything else."""
    return Response("Ollama is running", media_type="text/plain")


@router.get("/api/version")
@router.head("/api/version", include_in_schema=False)
async def version() -> Response:
    """The version of Ollama whose API this is."""
    return json({"version": models.VERSION})


@router.get("/api/tags")
@router.head("/api/tags", include_in_schema=False)
async def tags(request: Request) -> Response:
    """Every model that a host which is there has, and every alias that stands for one."""
    gateway, claims = asker(request)
    auth.require(claims, Permission.MODELS_VIEW)
    return json(models.tags(gateway.hosts(), gateway.named.items, claims))


@router.get("/api/ps")
@router.head("/api/ps", include_in_schema=False)
async def ps(request: Request) -> Response:
    """Every model in memory, with what all its copies take together."""
    gateway, claims = asker(request)
    auth.require(claims, Permission.MODELS_VIEW)
    return json(models.ps(gateway.overview.agents.items.values(), claims))


@router.post("/api/chat")
async def chat(request: Request) -> Response:
    """The next message of a conversation, in lines unless `stream` is false. Without messages the model is loaded, or unloaded by `keep_alive: 0`."""
    gateway, claims = asker(request)
    asked = read_chat(await body_of(request))
    wording = ChatWording(asked.model)
    if not asked.messages:
        return await _moved(gateway, claims, request, asked, wording)
    return OllamaServing(gateway, claims, request.headers, chat_job(asked), wording, not_found)


@router.post("/api/generate")
async def generate(request: Request) -> Response:
    """What follows a prompt, in lines unless `stream` is false. Without a prompt the model is loaded, or unloaded by `keep_alive: 0`."""
    gateway, claims = asker(request)
    asked = read_generate(await body_of(request))
    wording = GenerateWording(asked.model)
    if not asked.prompt:
        return await _moved(gateway, claims, request, asked, wording)
    return OllamaServing(gateway, claims, request.headers, generate_job(asked), wording, not_there)


async def _moved(gateway: Gateway, claims: Claims, request: Request, asked: Asking, wording: ChatWording) -> Response:
    """Nothing to be answered: the model is to be in memory, or out of it."""
    missing = not_there if isinstance(wording, GenerateWording) else not_found
    if asked.unloads:
        await _unload(gateway, claims, asked.model, missing)
        return Response(wording.only("unload"), media_type=JSON)
    return OllamaServing(gateway, claims, request.headers, load_job(asked), LoadWording(wording), missing)


async def _unload(gateway: Gateway, claims: Claims, model: str, missing: Callable[[str], UnknownModel]) -> None:
    """From the memory of every host. A model is others' too, so this is an order and no wish (docs/adr/0013)."""
    known(gateway, claims, model, missing)
    agents = list(gateway.overview.agents.items.values())
    for name in models.chain(model, gateway.named.items):
        if loaded := having(name, agents, loaded=True):
            auth.require(claims, Permission.MODELS_MANAGE)
            await done(gateway, claims, ModelAction.UNLOAD, ModelOrder(model=name, agents=loaded))


@router.post("/api/embed")
async def embed(request: Request) -> Response:
    """A vector for each text."""
    gateway, claims = asker(request)
    asked = read_embed(await body_of(request))
    wording = EmbedWording(asked.model)
    if not asked.texts:
        known(gateway, claims, asked.model)
        return Response(wording.nothing(), media_type=JSON)
    return OllamaServing(gateway, claims, request.headers, embed_job(asked), wording, not_found)


@router.post("/api/embeddings")
async def embeddings(request: Request) -> Response:
    """A vector for one text, as older clients ask for it."""
    gateway, claims = asker(request)
    asked = read_embeddings(await body_of(request))
    if not asked.prompt:
        known(gateway, claims, asked.model)
        return Response(NO_EMBEDDING, media_type=JSON)
    wording = EmbeddingsWording(asked.model)
    return OllamaServing(gateway, claims, request.headers, embeddings_job(asked), wording, not_found)


def known(gateway: Gateway, claims: Claims, model: str, missing: Callable[[str], UnknownModel] = not_found) -> None:
    """UnknownModel for one that no host has, or that the key may not use."""
    agents = gateway.hosts()
    names, alias = models.chain(model, gateway.named.items), auth.allows_model(claims, model)
    if not any((alias or auth.allows_model(claims, name)) and models.copies(name, agents) for name in names):
        raise missing(model)
