"""Whether a webhook's caller may come in, by the credential that its node names. Pure.

What a caller shows for it is taken out of the item: run data are seen by many.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bus.messages.workflows import WebhookCall, WebhookReply
from workflow.core.effects import HandleToken
from workflow.credentials.http_auth import BLANK
from workflow.nodes.jwt import handle

_BASIC: Final = {"www-authenticate": 'Basic realm="Webhook"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """`headers`: the call's, without what opened the door; `more`: what the item gets beside (`jwtPayload`)."""

    headers: dict[str, str]
    more: dict[str, Any] = field(default_factory=dict)


def check_caller(kind: str, data: Mapping[str, Any], call: WebhookCall) -> Admitted | WebhookReply:
    """The refusal is the caller's answer. `kind`: basicAuth, headerAuth or jwtAuth; `data`: of the credential."""
    if kind == "basicAuth":
        return _by_basic(data, call)
    if kind == "headerAuth":
        return _by_header(data, call)
    return _by_token(data, call)


def _by_basic(data: Mapping[str, Any], call: WebhookCall) -> Admitted | WebhookReply:
    scheme, _, given = _header(call, "authorization").partition(" ")
    if scheme.lower() != "basic":
        return WebhookReply(status=401, headers=dict(_BASIC), body="Authorization is required!")
    try:
        user, _, password = base64.b64decode(given.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        user, password = b"", b""
    right = _same(user, data.get("user")) & _same(password, data.get("password"))
    return _admitted(call, "authorization") if right else _refused()


def _by_header(data: Mapping[str, Any], call: WebhookCall) -> Admitted | WebhookReply:
    name = str(data.get("name", "")).lower()
    right = bool(name) and _same(_header(call, name).encode(), data.get("value"))
    return _admitted(call, name) if right else _refused()


def _by_token(data: Mapping[str, Any], call: WebhookCall) -> Admitted | WebhookReply:
    scheme, _, token = _header(call, "authorization").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return WebhookReply(status=401, headers={"www-authenticate": "Bearer"}, body="No token provided")
    found = handle(HandleToken(operation="verify", token=token.strip()), data)
    if found.failure is not None:
        return WebhookReply(status=403, body="Invalid token", refused=True)
    return Admitted(headers=_without(call, "authorization"), more={"jwtPayload": found.value["payload"]})


def _header(call: WebhookCall, name: str) -> str:
    return next((value for given, value in call.headers.items() if given.lower() == name), "")


def _same(given: bytes, wanted: Any) -> bool:
    """In a time that tells nothing. A credential without the field opens to nobody."""
    right = hmac.compare_digest(given, str(wanted or "").encode())
    return right and wanted not in (None, "")


def _admitted(call: WebhookCall, header: str) -> Admitted:
    return Admitted(headers=_without(call, header))


def _without(call: WebhookCall, header: str) -> dict[str, str]:
    return {name: BLANK if name.lower() == header else value for name, value in call.headers.items()}


def _refused() -> WebhookReply:
    return WebhookReply(status=403, body="Authorization data is wrong!", refused=True)
