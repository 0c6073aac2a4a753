"""Respond to Webhook: answers the call that started the execution, and passes its input on."""

import json
from typing import Any

from workflow.core.effects import HandleToken, Respond
from workflow.core.failure import NodeError
from workflow.core.items import Items, Outputs
from workflow.core.paths import with_value
from workflow.credentials.needed import chosen
from workflow.doors.webhook_reply import with_json
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, value_of


def run(call: NodeCall) -> EffectRun:
    parameters = call.once()
    if parameters.get("respondWith") == "jwt":
        token = value_of((yield _token(call, parameters)))
        value_of((yield Respond(status=_status(parameters), headers=_headers(parameters), body=token)))
    else:
        value_of((yield answer(parameters, call.items)))
    outputs: Outputs = [call.items]
    return outputs


def answer(parameters: Parameters, items: Items) -> Respond:
    """The answer that the parameters describe; raises `NodeError` for JSON that is none."""
    kind = parameters.get("respondWith", "firstIncomingItem")
    status = _status(parameters)
    headers = _headers(parameters)
    first = items[0] if items else {"json": {}}
    if kind == "json":
        given = parameters.get("responseBody", "")
        empty = isinstance(given, str) and not given.strip()
        return Respond(status=status, headers=headers) if empty else with_json(status, headers, _json(given))
    if kind == "text":
        return _text(status, headers, parameters.get("responseBody", ""))
    if kind == "noData":
        return Respond(status=status, headers=headers)
    if kind == "redirect":
        return Respond(status=_status(parameters, 307), headers={"location": _address(parameters), **headers})
    if kind == "binary":
        return Respond(status=status, headers=headers, binary=_binary(parameters, first.get("binary") or {}))
    if kind == "allIncomingItems":
        return Respond(status=status, headers=headers, body=_keyed(parameters, [item["json"] for item in items]))
    if kind == "firstIncomingItem":
        return Respond(status=status, headers=headers, body=_keyed(parameters, first["json"]))
    raise NodeError(f"Responding with {kind!r} is not supported here")


def _keyed(parameters: Parameters, body: Any) -> Any:
    key = parameters.text("options.responseKey")
    return with_value({}, key, body) if key else body


def _status(parameters: Parameters, usual: int = 200) -> int:
    return int(parameters.get("options.responseCode", usual))


def _text(status: int, headers: dict[str, str], body: Any) -> Respond:
    """What an expression makes that is no text is sent as JSON."""
    if isinstance(body, str):
        headers = {"content-type": "text/html; charset=utf-8", **headers}
    return Respond(status=status, headers=headers, body=body)


def _address(parameters: Parameters) -> str:
    """One that has no scheme is a host's, unless it is a path of this one."""
    given = parameters.text("redirectURL")
    return given if not given or given.startswith("/") or "://" in given else f"https://{given}"


def _token(call: NodeCall, parameters: Parameters) -> HandleToken:
    """Of the payload, and when it was signed."""
    claims = _json(parameters.get("payload", {}))
    if not isinstance(claims, dict):
        raise NodeError("The payload of a JWT is to be an object")
    signed = {"iat": call.now_ms // 1000, **claims}
    return HandleToken(operation="sign", claims=signed, credentials=chosen(call.node, "jwtAuth"))


def _headers(parameters: Parameters) -> dict[str, str]:
    entries = parameters.get("options.responseHeaders.entries", [])
    return {str(each["name"]).lower(): str(each.get("value", "")) for each in entries if each.get("name")}


def _json(body: Any) -> Any:
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body)
    except ValueError:
        raise NodeError(
            "Invalid JSON in 'Response Body' field", description="Check that the syntax of the JSON is valid"
        ) from None


def _binary(parameters: Parameters, binary: Any) -> Any:
    name = parameters.text("inputFieldName") or next(iter(binary), "")
    if name not in binary:
        raise NodeError(f"The item has no binary field {name!r} to respond with")
    return binary[name]


TYPES = (NodeType(name="n8n-nodes-base.respondToWebhook", versions=(1, 1.1, 1.2, 1.3, 1.4, 1.5), run=run, effect=True),)
