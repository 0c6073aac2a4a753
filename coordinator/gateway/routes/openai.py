"""OpenAI's API, for its clients: only the base address and the key are another's. The protocol's own reference describes it."""

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from bus import auth
from bus.auth import Permission
from bus.errors import UnknownModel
from bus.messages import Claims
from bus.model_names import same_model
from bus.submit import unknown_model
from coordinator.gateway.asking import CLAIMS
from coordinator.gateway.body import bounded
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.names import Listed, listing
from coordinator.gateway.llm.openai.chat_answer import ChatWording
from coordinator.gateway.llm.openai.chat_request import chat_job
from coordinator.gateway.llm.openai.completion_answer import CompletionWording
from coordinator.gateway.llm.openai.completion_request import completion_job
from coordinator.gateway.llm.openai.embeddings import EmbeddingsWording, embeddings_job
from coordinator.gateway.llm.openai.responses_answer import ResponsesWording
from coordinator.gateway.llm.openai.responses_request import responses_job
from coordinator.gateway.llm.serving import Serving
from coordinator.gateway.routes.declared import gateway_of

router = APIRouter(prefix="/v1", tags=["OpenAI"])


@router.post("/chat/completions")
async def chat_completions(request: Request) -> Response:
    """The next message of a conversation, whole or in events."""
    gateway, claims = _asker(request)
    asked, job = chat_job(await bounded(request, gateway.settings.max_body_bytes))
    return Serving(gateway, claims, request.headers, job, ChatWording(asked))


@router.post("/completions")
async def completions(request: Request) -> Response:
    """What follows a prompt, as it is: no template is applied."""
    gateway, claims = _asker(request)
    asked, job = completion_job(await bounded(request, gateway.settings.max_body_bytes))
    return Serving(gateway, claims, request.headers, job, CompletionWording(asked))


@router.post("/embeddings")
async def embeddings(request: Request) -> Response:
    """A vector for each text."""
    gateway, claims = _asker(request)
    asked, job = embeddings_job(await bounded(request, gateway.settings.max_body_bytes))
    return Serving(gateway, claims, request.headers, job, EmbeddingsWording(asked))


@router.post("/responses")
async def responses(request: Request) -> Response:
    """Without state: nothing is found under the id of a response afterwards."""
    gateway, claims = _asker(request)
    asked, job = responses_job(await bounded(request, gateway.settings.max_body_bytes))
    return Serving(gateway, claims, request.headers, job, ResponsesWording(asked))


@router.get("/models")
async def list_models(request: Request) -> Response:
    """Every model that a host which is there has, and every alias that stands for one."""
    gateway, claims = _asker(request)
    found = [_shown(each) for each in _listed(gateway, claims)]
    return Response(to_json({"object": "list", "data": found}), media_type="application/json")


@router.get("/models/{name:path}")
async def get_model(request: Request, name: str) -> Response:
    """One of them; a name without a tag means `:latest`."""
    gateway, claims = _asker(request)
    found = _listed(gateway, claims)
    for each in found:
        if same_model(each.name, name):
            return Response(to_json(_shown(each)), media_type="application/json")
    raise UnknownModel(unknown_model(name, [each.name for each in found], restricted=bool(claims.models)))


def _asker(request: Request) -> tuple[Gateway, Claims]:
    return gateway_of(request), request.scope[CLAIMS]


def _listed(gateway: Gateway, claims: Claims) -> list[Listed]:
    auth.require(claims, Permission.MODELS_VIEW)
    return listing(gateway.hosts(), gateway.named.items.values(), claims)


def _shown(model: Listed) -> dict[str, object]:
    return {"id": model.name, "object": "model", "created": model.created, "owned_by": "hive"}
