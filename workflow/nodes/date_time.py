"""Date & Time: all of its operations, computed by Luxon for all items in one call."""

from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType

_FIELDS: Final = {
    "addToDate": "newDate",
    "subtractFromDate": "newDate",
    "extractDate": "datePart",
    "formatDate": "formattedDate",
    "getCurrentDate": "currentDate",
    "getTimeBetweenDates": "timeDifference",
    "roundDate": "roundedDate",
}


def run(call: NodeCall) -> Outputs:
    return _run_first(call) if call.node.version < 2 else _run_second(call)


def _run_second(call: NodeCall) -> Outputs:
    each = call.each()
    asked = [{**_plain(parameters), "zone": _zone(call, parameters), "nowMs": call.now_ms} for parameters in each]
    found = call.scripts.library(call, "dates", "dates", asked)
    made: list[Item] = []
    for index, (item, parameters, result) in enumerate(zip(call.items, each, found, strict=True)):
        if "error" in result:
            error = NodeError(result["error"], item=index)
            if not call.continues:
                raise error
            made.append({"json": {"error": error.message}})
            continue
        name = parameters.text("outputFieldName") or _FIELDS.get(parameters.get("operation", "getCurrentDate"), "date")
        kept = item["json"] if parameters.get("options.includeInputFields") is True else {}
        made.append({"json": {**kept, name: result["value"]}, "pairedItem": {"item": index}})
    return [made]


def _plain(parameters: Parameters) -> dict[str, Any]:
    return {"operation": "getCurrentDate", **{name: parameters[name] for name in parameters}}


def _zone(call: NodeCall, parameters: Parameters) -> str:
    chosen = parameters.get("options.timezone")
    return chosen if isinstance(chosen, str) and chosen not in ("", "DEFAULT") else call.time_zone


def _run_first(call: NodeCall) -> Outputs:
    """Version 1: a value is formatted, or a duration added to it, and the result set beside the item's own fields."""
    each = call.each()
    asked = [
        {
            **_plain(parameters),
            "sign": parameters.get("operation"),
            "operation": "first",
            "zone": call.time_zone,
            "nowMs": call.now_ms,
        }
        for parameters in each
    ]
    found = call.scripts.library(call, "dates", "dates", asked)
    made: list[Item] = []
    for index, (item, parameters, result) in enumerate(zip(call.items, each, found, strict=True)):
        if "error" in result:
            raise NodeError(result["error"], item=index)
        made.append({**item, "json": {**item["json"], parameters.text("dataPropertyName", "data"): result["value"]}})
    return [made]


TYPES = (NodeType(name="n8n-nodes-base.dateTime", versions=(1, 2), run=run),)
