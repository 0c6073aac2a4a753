"""An active workflow as a tool: which of its triggers takes the call, what that may say, and the item that comes of it. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final

from bus.errors import InvalidRequest
from workflow.core.items import Item
from workflow.doors.webhook_reply import webhook_item
from workflow.n8n.document import Node, Workflow

_BY_CHOICE: Final = ("executeWorkflowTrigger", "chatTrigger", "manualChatTrigger", "webhook", "manualTrigger", "start")
"""The first that there is takes the call: one that says what it takes comes before one that takes anything."""
_OPEN: Final[Mapping[str, Any]] = {"type": "object"}
_CHAT: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"chatInput": {"type": "string", "description": "what is said"}, "sessionId": {"type": "string"}},
    "required": ["chatInput"],
}
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def called_trigger(workflow: Workflow) -> Node | None:
    """None for a workflow that nobody can call: only times, events or errors start it."""
    enabled = [node for node in workflow.nodes if not node.disabled]
    found = (node for kind in _BY_CHOICE for node in enabled if node.short_type == kind)
    return next(found, None)


def input_schema(trigger: Node) -> dict[str, Any]:
    """Of what its input says of itself, else an object of anything."""
    if trigger.short_type in ("chatTrigger", "manualChatTrigger"):
        return dict(_CHAT)
    declared = _declared(trigger)
    if declared is None:
        return dict(_OPEN)
    properties = {name: ({"type": kind} if kind in _KINDS else {}) for name, kind in declared.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def check_input(schema: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """InvalidRequest with the field's name, for a schema that `input_schema` made. null is as good as left out, as in n8n."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if given.get(name) is None:
            raise InvalidRequest(f"`{name}` is missing.")
    for name, value in given.items():
        kind = properties.get(name, {}).get("type")
        if name not in properties and schema.get("additionalProperties") is False:
            raise InvalidRequest(
                f"`{name}` is not a field that the workflow takes. It takes: {', '.join(properties) or 'none'}."
            )
        wrong = kind is not None and (not isinstance(value, _KINDS[kind]) or (kind == "number" and isinstance(value, bool)))
        if wrong and value is not None:
            raise InvalidRequest(f"`{name}` is to be of type {kind}.")


def item_of_call(trigger: Node, given: Mapping[str, Any]) -> Item:
    """What the trigger gives: of declared fields all, those that were left out as null."""
    if trigger.short_type == "webhook":
        return webhook_item(dict(given))
    declared = _declared(trigger)
    return {"json": dict(given) if declared is None else {name: given.get(name) for name in declared}}


def _declared(trigger: Node) -> dict[str, str] | None:
    """Types by name. None where it takes anything."""
    if trigger.short_type != "executeWorkflowTrigger" or trigger.version < 1.1:
        return None
    match trigger.parameters.get("inputSource", "workflowInputs"):
        case "workflowInputs":
            values = (trigger.parameters.get("workflowInputs") or {}).get("values") or ()
            return {str(each["name"]): str(each.get("type") or "string") for each in values if each.get("name")}
        case "jsonExample":
            return _of_example(trigger.parameters.get("jsonExample"))
    return None


def _of_example(text: Any) -> dict[str, str] | None:
    try:
        example = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return None
    return {str(name): _kind(value) for name, value in example.items()} if isinstance(example, dict) else None


def _kind(value: Any) -> str:
    return next((kind for kind, types in _KINDS.items() if type(value) in types), "any")
