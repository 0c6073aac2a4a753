"""Respond to Webhook: answers the call that started the execution, and passes its input on."""

import json
from typing import Any

from workflow.effects import Respond
from workflow.expressions.parameters import Parameters
from workflow.failure import NodeError
from workflow.items import Items, Outputs
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, value_of


def run(call: NodeCall) -> EffectRun:
    value_of((yield answer(call.once(), call.items)))
    outputs: Outputs = [call.items]
    return outputs


def answer(parameters: Parameters, items: Items) -> Respond:
    """The answer that the parameters describe; raises `NodeError` for JSON that is none."""
    kind = parameters.get("respondWith", "firstIncomingItem")
    status = int(parameters.get("options.responseCode", 200))
    headers = _headers(parameters)
    first = items[0] if items else {"json": {}}
    if kind == "json":
        return Respond(status=status, headers=headers, body=_json(parameters.get("responseBody", {})))
    if kind == "text":
        return Respond(
            status=status, headers={"content-type": "text/html; charset=utf-8", **headers}, body=parameters.text("responseBody")
        )
    if kind == "noData":
        return Respond(status=status, headers=headers)
    if kind == "redirect":
        location = {"location": parameters.text("redirectURL"), **headers}
        return Respond(status=int(parameters.get("options.responseCode", 307)), headers=location)
    if kind == "binary":
        return Respond(status=status, headers=headers, binary=_binary(parameters, first.get("binary") or {}))
    if kind == "allIncomingItems":
        return Respond(status=status, headers=headers, body=_keyed(parameters, [item["json"] for item in items]))
    if kind == "firstIncomingItem":
        return Respond(status=status, headers=headers, body=_keyed(parameters, first["json"]))
    raise NodeError(f"Responding with {kind!r} is not supported here")


def _keyed(parameters: Parameters, body: Any) -> Any:
    key = parameters.text("options.responseKey")
    return {key: body} if key else body


def _headers(parameters: Parameters) -> dict[str, str]:
    entries = parameters.get("options.responseHeaders.entries", [])
    return {str(each["name"]).lower(): str(each.get("value", "")) for each in entries if each.get("name")}


def _json(body: Any) -> Any:
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body) if body.strip() else {}
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
