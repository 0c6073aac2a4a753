"""The answer to a webhook call, as n8n's response modes make it of an execution. Pure."""

from collections.abc import Sequence
from typing import Any

from workflow.effects import Respond
from workflow.execution import Execution, Status
from workflow.n8n.document import Node


def webhook_item(
    body: Any,
    *,
    headers: dict[str, str] | None = None,
    query: dict[str, Any] | None = None,
    params: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The item that a webhook node gives of a call."""
    return {"json": {"headers": headers or {}, "params": params or {}, "query": query or {}, "body": body}}


def mode_of(trigger: Node) -> str:
    return str(trigger.parameters.get("responseMode", "onReceived"))


def reply(trigger: Node, execution: Execution, responses: Sequence[Respond]) -> Respond:
    """What the caller gets. A Respond node's answer comes first; an execution that failed without one is an error 500."""
    mode = mode_of(trigger)
    code = _status(trigger)
    if mode == "onReceived":
        data = (trigger.parameters.get("options") or {}).get("responseData")
        return Respond(status=code, body=data if data is not None else {"message": "Workflow was started"})
    if mode == "responseNode" and responses:
        return responses[0]
    if execution.status is not Status.SUCCESS:
        return Respond(status=500, body={"message": "Error in workflow"})
    if mode == "responseNode":
        return Respond(
            status=code, body={"message": "Workflow executed successfully but the Respond to Webhook node was not reached"}
        )
    return _last_node(trigger, execution, code)


def _status(trigger: Node) -> int:
    options = trigger.parameters.get("options") or {}
    found = options.get("responseCode", trigger.parameters.get("responseCode", 200))
    if isinstance(found, dict):
        values = found.get("values") or {}
        found = values.get("customCode") if values.get("responseCode") == "customCode" else values.get("responseCode", 200)
    return found if isinstance(found, int) else 200


def _last_node(trigger: Node, execution: Execution, code: int) -> Respond:
    kind = trigger.parameters.get("responseData", "firstEntryJson")
    items = execution.last_items()
    if kind == "noData":
        return Respond(status=code)
    if kind == "allEntries":
        return Respond(status=code, body=[item["json"] for item in items])
    if not items:
        return Respond(status=code, body={"message": "No item to return got found"})
    first = items[0]
    if kind == "firstEntryBinary":
        name = trigger.parameters.get("responseBinaryPropertyName", "data")
        return Respond(status=code, binary=(first.get("binary") or {}).get(name))
    key = (trigger.parameters.get("options") or {}).get("responsePropertyName")
    return Respond(status=code, body=first["json"].get(key) if key else first["json"])
