"""Calls of workflows from outside: whoever knows the address may call it, as in n8n; a test call needs a key.

What a caller sends is anything: text of a kind that engines read goes on as it is, a form of several parts is taken apart, the rest is a
file. What it is answered is the workflow's own.
"""

import base64
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json
from starlette.datastructures import Headers

from bus import auth, subjects
from bus.auth import Permission
from bus.errors import ExecutionNotFound, InvalidRequest, Unauthenticated
from bus.messages import Claims
from bus.messages.workflows import Door as Way
from bus.messages.workflows import ResumeCall, UploadedFile, WebhookCall, WebhookReply
from coordinator.gateway import verbs
from coordinator.gateway.asking import CLAIMS, address_of
from coordinator.gateway.body import MAX_BODY, bounded
from coordinator.gateway.identity import read
from coordinator.gateway.multipart import parts_of
from coordinator.gateway.routes.declared import Door
from coordinator.gateway.webhook_bodies import Holding
from coordinator.gateway.webhook_queries import nested

router = APIRouter(include_in_schema=False)

METHODS: Final = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]
DOOR: Final = "webhook"
"""By which name the guard knows credentials of webhooks."""
WAIT_SECONDS: Final = 120.0
LEEWAY_SECONDS: Final = 5.0
NOBODY: Final = Claims(sub="webhook", roles=())
"""Who calls without a key: may do nothing but call."""
_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "upgrade", "server", "date"})
"""Headers that are the connection's, and no workflow's to set."""
_READ: Final = ("application/json", "application/x-www-form-urlencoded", "text/plain", "application/xml", "text/xml")
"""Types of bodies that are no file: the engine makes values of them."""
_KEYED: Final = ("authorization", "x-api-key")
_SANDBOX: Final = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts"
"""A page that a workflow answers has an origin of its own: this one's would let it use the credentials that a browser keeps for the API."""


@router.api_route("/webhook/{path:path}", methods=METHODS)
async def webhook(path: str, request: Request, gateway: Door) -> Response:
    with gateway.webhook_bodies.hold() as holding:
        call = WebhookCall(path=path, **await _heard(request, holding))
        return await _answer(gateway, "call", call, NOBODY, address_of(request.scope))


@router.options("/webhook/{path:path}")
async def preflight(path: str, request: Request, gateway: Door) -> Response:
    """A browser asks whether a page of another site may call: the node's Allowed Origins say so. Nothing is read, and nothing begins."""
    method = request.headers.get("access-control-request-method", "").upper()
    if method not in METHODS:
        raise InvalidRequest("Name the method that is to be called in Access-Control-Request-Method.")
    asked = {name: request.headers.get(name, "") for name in ("origin", "access-control-request-headers")}
    call = WebhookCall(path=path, method=method, headers=asked, preflight=True)
    return await _answer(gateway, "call", call, NOBODY)


@router.api_route("/form/{path:path}", methods=["GET", "HEAD", "POST"])
async def form(path: str, request: Request, gateway: Door) -> Response:
    with gateway.webhook_bodies.hold() as holding:
        call = WebhookCall(path=path, door=Way.FORM, **await _heard(request, holding))
        return await _answer(gateway, "call", call, NOBODY, address_of(request.scope))


@router.api_route("/form-test/{path:path}", methods=["GET", "HEAD", "POST"])
async def form_test(path: str, request: Request, gateway: Door) -> Response:
    """As `/webhook-test/`."""
    caller: Claims = request.scope[CLAIMS]
    auth.require(caller, Permission.EXECUTIONS_START)
    with gateway.webhook_bodies.hold() as holding:
        call = WebhookCall(path=path, door=Way.FORM, test=True, **await _heard(request, holding, keyed=True))
        return await _answer(gateway, "call", call, caller)


@router.api_route("/webhook-test/{path:path}", methods=METHODS)
async def webhook_test(path: str, request: Request, gateway: Door) -> Response:
    """Reaches what is saved, active or not, so it takes a key that may start executions."""
    caller: Claims = request.scope[CLAIMS]
    auth.require(caller, Permission.EXECUTIONS_START)
    with gateway.webhook_bodies.hold() as holding:
        call = WebhookCall(path=path, test=True, **await _heard(request, holding, keyed=True))
        return await _answer(gateway, "call", call, caller)


@router.api_route("/form-waiting/{execution_id}", methods=["GET", "HEAD", "POST"])
async def form_waiting(execution_id: str, request: Request, gateway: Door) -> Response:
    """Where a form of several pages goes on: the address is the secret, as the execution's resume URL is."""
    with gateway.webhook_bodies.hold() as holding:
        call = ResumeCall(id=_execution(execution_id), path="", door=Way.FORM, **await _heard(request, holding))
        return await _answer(gateway, "resume", call, NOBODY, address_of(request.scope))


@router.api_route("/webhook-waiting/{execution_id}", methods=METHODS)
@router.api_route("/webhook-waiting/{execution_id}/{suffix:path}", methods=METHODS)
async def resume(execution_id: str, request: Request, gateway: Door, suffix: str = "") -> Response:
    with gateway.webhook_bodies.hold() as holding:
        call = ResumeCall(id=_execution(execution_id), path=suffix, **await _heard(request, holding))
        return await _answer(gateway, "resume", call, NOBODY, address_of(request.scope))


def _execution(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ExecutionNotFound("There is no such execution; the address ends with another id.") from None


async def _answer(gateway: Any, verb: str, call: WebhookCall, claims: Claims, address: str = "") -> Response:
    """`address`: of a caller who may be asked for a credential of the workflow; wrong ones are counted. TooManyAttempts."""
    seconds = WAIT_SECONDS + LEEWAY_SECONDS
    attempt = await gateway.guard.begin_if_suspect(DOOR, address, call.path) if address else None
    reply = await verbs.order(gateway.bus, subjects.SERVICE_WEBHOOKS, verb, call, WebhookReply, claims, seconds=seconds)
    if reply.refused and address:
        await gateway.guard.failed(attempt or await gateway.guard.begin(DOOR, address, call.path))
    elif attempt is not None:
        await gateway.guard.succeeded(attempt)
    headers = {name: value for name, value in reply.headers.items() if name.lower() not in _HOP}
    response = Response(_content(reply, headers), reply.status, headers)
    if not reply.page:
        response.headers.append("content-security-policy", _SANDBOX)  # beside the workflow's own: a browser keeps to both
    return response


def _content(reply: WebhookReply, headers: dict[str, str]) -> bytes:
    """A string as it is, everything else as JSON; a type that the workflow names stands."""
    named = any(name.lower() == "content-type" for name in headers)
    if reply.body_base64 is not None:
        return base64.b64decode(reply.body_base64)
    if reply.body is None:
        return b""
    if isinstance(reply.body, str):
        if not named:
            headers["content-type"] = "text/html; charset=utf-8"
        return reply.body.encode()
    if not named:
        headers["content-type"] = "application/json; charset=utf-8"
    return to_json(reply.body)


async def _heard(request: Request, holding: Holding, *, keyed: bool = False) -> dict[str, Any]:
    """The call's parts but its path. `keyed`: it was let in by a key. PayloadTooLarge, InvalidJson, InvalidRequest, TooManyExecutions."""
    data = await bounded(request, getattr(request.app.state, MAX_BODY), holding.add)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await _body(data, kind, request.headers)
    return {
        "method": request.method,
        "headers": {name: value for name, value in request.headers.items() if not _is_key(name, value, keyed=keyed)},
        "query": nested(request.query_params.multi_items()),
        **body,
        "wait_seconds": WAIT_SECONDS,
    }


def _is_key(name: str, value: str, *, keyed: bool) -> bool:
    """A key of this hive is not the workflow's business: what a call says is stored, and shown to whoever may see executions."""
    if name not in _KEYED:
        return False
    try:
        return keyed or read(Headers({name: value})).secret.startswith(auth.KEY_PREFIX)
    except Unauthenticated:  # it is something of the workflow's own
        return False


async def _body(data: bytes, kind: str, headers: Headers) -> dict[str, Any]:
    """As the fields of a call have it. InvalidRequest."""
    if not data:
        return {"body": {}}
    if kind == "multipart/form-data":
        parts = await parts_of(data, headers)
        return {"body": {}, "fields": tuple(parts.fields), "files": tuple(parts.files)}
    if kind not in _READ:
        return {"body": {}, "files": (_whole(data, kind),)}
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        raise InvalidRequest("The body says that it is text, and is no UTF-8.") from None


def _whole(data: bytes, kind: str) -> UploadedFile:
    """A body that nobody reads here, as a file without a field."""
    encoded = base64.b64encode(data).decode()
    return UploadedFile(field="", name="", mime_type=kind or "application/octet-stream", size=len(data), data=encoded)
