"""Anthropic's API, for its clients: only the base address and the key are another's. The protocol's own reference describes it."""

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from bus.messages import Claims, TaskRequest
from coordinator.gateway.asking import CLAIMS
from coordinator.gateway.body import bounded
from coordinator.gateway.envelope import REQUEST_ID
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.anthropic.messages_answer import MessagesWording
from coordinator.gateway.llm.anthropic.messages_request import count_job, messages_job
from coordinator.gateway.llm.estimate import prompt_tokens
from coordinator.gateway.llm.names import resolve
from coordinator.gateway.llm.serving import Serving
from coordinator.gateway.routes.declared import gateway_of

router = APIRouter(prefix="/v1/messages", tags=["Anthropic"])


@router.post("")
async def create_message(request: Request) -> Response:
    """The next message of a conversation, whole or in events."""
    gateway, claims, request_id = gateway_of(request), request.scope[CLAIMS], request.scope[REQUEST_ID]
    asked, job = messages_job(await bounded(request, gateway.settings.max_body_bytes))
    wording = MessagesWording(asked, request_id)
    return Serving(gateway, claims, request.headers, job, wording, told={"request-id": request_id})


@router.post("/count_tokens")
async def count_tokens(request: Request) -> Response:
    """An estimate (coordinator.gateway.llm.estimate), for who might also ask the model."""
    gateway, claims = gateway_of(request), request.scope[CLAIMS]
    job = count_job(await bounded(request, gateway.settings.max_body_bytes))
    await _admit(gateway, claims, job.model)
    headers = {"request-id": request.scope[REQUEST_ID]}
    return Response(to_json({"input_tokens": prompt_tokens(job.work)}), headers=headers, media_type="application/json")


async def _admit(gateway: Gateway, claims: Claims, name: str) -> None:
    """As a message would be, by the model that would be asked. PermissionDenied, UnknownModel."""
    chain = resolve(name, gateway.named.items, gateway.overview.agents.items.values(), claims)
    # What a name stands for that was allowed need not be named in the key.
    meant = claims.model_copy(update={"models": chain.models if claims.models else ()})
    await gateway.submission.admit(TaskRequest(prompt="-", model=chain.model), meant)
