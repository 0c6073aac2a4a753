"""The answer to a webhook call, as n8n's response modes make it of an execution. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from workflow.core.effects import Respond
from workflow.core.execution import Execution, Status
from workflow.core.graph import Graph
from workflow.core.items import Items
from workflow.core.paths import MISSING, read
from workflow.n8n.document import Node

_JSON: Final = "application/json; charset=utf-8"
_RESPOND: Final = "respondToWebhook"


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
        return _headed(trigger, _received(trigger, code))
    if mode == "responseNode" and responses:
        return _headed(trigger, responses[0])
    if execution.status is not Status.SUCCESS:
        return Respond(status=500, body={"message": "Error in workflow"})
    if mode == "responseNode":  # it was not reached
        return _headed(trigger, Respond(status=code))
    return _headed(trigger, _last_node(trigger, execution, code))


def _headed(trigger: Node, answer: Respond) -> Respond:
    """With the headers of the trigger, of which the answer's own come first."""
    entries = (trigger.options.get("responseHeaders") or {}).get("entries") or []
    own = {name.lower() for name in answer.headers}
    more = {str(each["name"]).lower(): str(each.get("value", "")) for each in entries if each.get("name")}
    return answer.model_copy(
        update={"headers": {**{name: value for name, value in more.items() if name not in own}, **answer.headers}}
    )


def _received(trigger: Node, code: int) -> Respond:
    options = trigger.options
    if options.get("noResponseBody") is True:
        return Respond(status=code)
    data = options.get("responseData")
    return Respond(status=code, body=data if data is not None else {"message": "Workflow was started"})


def _status(trigger: Node) -> int:
    options = trigger.options
    found = options.get("responseCode", trigger.parameters.get("responseCode", 200))
    if isinstance(found, dict):
        values = found.get("values") or {}
        found = values.get("customCode") if values.get("responseCode") == "customCode" else values.get("responseCode", 200)
    return found if isinstance(found, int) else 200


def _last_node(trigger: Node, execution: Execution, code: int) -> Respond:
    kind = trigger.parameters.get("responseData", "firstEntryJson")
    items = _first_output(execution)
    if kind == "noData":
        return Respond(status=code)
    if kind == "allEntries":
        return Respond(status=code, body=[item["json"] for item in items])
    if kind == "firstEntryBinary":
        return _binary(trigger, items, code)
    if not items:
        return _nothing("No item to return was found")
    options, first = trigger.options, items[0]["json"]
    key, named = options.get("responsePropertyName"), options.get("responseContentType")
    headers = {"content-type": str(named)} if named else {}
    if not key:
        return Respond(status=code, headers=headers, body=first)
    found = read(first, str(key), MISSING)
    return Respond(status=code, headers=headers) if found is MISSING else with_json(code, headers, found)


def _first_output(execution: Execution) -> Items:
    """Of the last node that ran; what left by another output is not looked at."""
    runs = execution.runs.get(execution.last_node or "") or ()
    outputs = runs[-1].outputs if runs else None
    return (outputs[0] or ()) if outputs else ()


def with_json(status: int, headers: Mapping[str, str], value: Any) -> Respond:
    """A value, which may be null: without one an answer is empty."""
    if value is None:
        return Respond(status=status, headers={"content-type": _JSON, **headers}, body="null")
    return Respond(status=status, headers=dict(headers), body=value)


def misplaced(trigger: Node, graph: Graph) -> Respond | None:
    """The refusal where the response mode and the Respond nodes behind the trigger do not fit, so that nothing is started."""
    mode, nodes = mode_of(trigger), graph.workflow.by_name
    behind = (nodes[name] for name in graph.descendants([trigger.name]))
    has_one = any(node.short_type == _RESPOND and not node.disabled for node in behind)
    if mode == "responseNode" and not has_one:
        return _nothing("No Respond to Webhook node found in the workflow")
    if mode in ("onReceived", "lastNode") and has_one:
        return _nothing("Unused Respond to Webhook node found in the workflow")
    return None


def _binary(trigger: Node, items: Items, code: int) -> Respond:
    if not items:
        return _nothing("No item was found to return")
    files = items[0].get("binary")
    if not files:
        return _nothing("No binary data was found to return")
    name = trigger.parameters.get("responseBinaryPropertyName", "data")
    if name not in files:
        return _nothing(f"The binary property '{name}' which should be returned does not exist")
    return Respond(status=code, binary=files[name])


def _nothing(message: str) -> Respond:
    return Respond(status=500, body={"code": 0, "message": message})
