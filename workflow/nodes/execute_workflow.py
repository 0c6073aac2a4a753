"""Execute Sub-workflow: calls another workflow with all items at once, or once for each of them."""

import json
from collections.abc import Sequence
from typing import Any

from workflow.effects import CallWorkflow
from workflow.execution import Reply
from workflow.expressions.parameters import Parameters
from workflow.failure import Failure, NodeError
from workflow.items import Item, Outputs, paired
from workflow.nodes.contract import EffectFailed, EffectRun, NodeCall, NodeType, error_item, value_of


def run(call: NodeCall) -> EffectRun:
    if call.once().get("mode", "once") == "each":
        return (yield from _each(call))
    parameters = call.once()
    waits = parameters.get("options.waitForSubWorkflow", True) is not False
    items = [
        {**_inputs(item, each), "pairedItem": paired(n)}
        for n, (item, each) in enumerate(zip(call.items, call.each(), strict=True))
    ]
    reply = yield _effect(parameters, items, waits)
    if reply.failure is not None and call.continues:
        return [[{"json": {"error": reply.failure.message}, "pairedItem": [paired(n) for n in range(len(items))]}]]
    found = value_of(reply)
    outputs: Outputs = [call.items] if not waits or found is None else [found]
    return outputs


def _each(call: NodeCall) -> EffectRun:
    """One after the other, as n8n does; a failing one names its item."""
    made: list[Item] = []
    for index, (item, parameters) in enumerate(zip(call.items, call.each(), strict=True)):
        waits = parameters.get("options.waitForSubWorkflow", True) is not False
        reply = yield _effect(parameters, [_inputs(item, parameters)], waits)
        if reply.failure is not None:
            text = f"Error executing workflow with item at index {index}"
            failed = Failure(message=text, code=reply.failure.code, description=reply.failure.message, item=index)
            error = EffectFailed(Reply(failure=failed))
            error.item = index
            if not call.continues:
                raise error
            made.append(error_item(error, index))
            continue
        found: Sequence[Item] = reply.value if waits and reply.value is not None else [item]
        made.extend({**each, "pairedItem": paired(index)} for each in found)
    return [made]


def _inputs(item: Item, parameters: Parameters) -> Item:
    """The item as it is, or what the node's fields define for the sub-workflow."""
    mapping = parameters.get("workflowInputs") or {}
    values = mapping.get("value") if isinstance(mapping, dict) else None
    if not values or mapping.get("mappingMode") != "defineBelow":
        return item
    return {"json": dict(values), **({"binary": item["binary"]} if "binary" in item else {})}


def _effect(parameters: Parameters, items: list[Item], waits: bool) -> CallWorkflow:
    source = parameters.get("source", "database")
    if source == "parameter":
        return CallWorkflow(document=_document(parameters.get("workflowJson", "")), items=items, wait=waits)
    if source != "database":
        raise NodeError(f"A sub-workflow from {source!r} is not loaded here: paste it, or save it and choose it from the list")
    chosen: Any = parameters.get("workflowId", "")
    if isinstance(chosen, dict):
        chosen = chosen.get("value")
    if not chosen:
        raise NodeError("No workflow is chosen")
    return CallWorkflow(workflow_id=str(chosen), items=items, wait=waits)


def _document(given: Any) -> dict[str, Any]:
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        raise NodeError("The workflow in the node is not valid JSON") from None
    if not isinstance(found, dict):
        raise NodeError("The workflow in the node is no JSON object")
    return found


TYPES = (NodeType(name="n8n-nodes-base.executeWorkflow", versions=(1, 1.1, 1.2, 1.3), run=run, effect=True),)
