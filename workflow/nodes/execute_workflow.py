"""Execute Sub-workflow: calls another workflow with all items at once, or once for each of them."""

import json
from typing import Any

from workflow.core.effects import CallWorkflow
from workflow.core.execution import Reply
from workflow.core.failure import CodeError, Failure, NodeError
from workflow.core.items import Item, Outputs, paired
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import EffectFailed, EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.sub_inputs import given


def run(call: NodeCall) -> EffectRun:
    parameters = call.once()
    items = [given(item, each, n) for n, (item, each) in enumerate(zip(call.items, call.each(), strict=True))]
    if parameters.get("mode", "once") == "each":
        return (yield from _each(call, items))
    waits = parameters.get("options.waitForSubWorkflow", True) is not False
    try:
        found = value_of(
            (yield _effect(parameters, [{**item, "pairedItem": paired(n)} for n, item in enumerate(items)], waits))
        )
    except NodeError as error:
        if not call.continues:
            raise
        return [[{"json": {"error": error.message}, "pairedItem": [paired(n) for n in range(len(items))]}]]
    outputs: Outputs = [call.items] if not waits or found is None else found or [[]]
    return outputs


def _each(call: NodeCall, items: list[Item]) -> EffectRun:
    """One after the other, as n8n does."""
    made: list[list[Item]] = []
    for index, (item, parameters) in enumerate(zip(items, call.each(), strict=True)):
        waits = parameters.get("options.waitForSubWorkflow", True) is not False
        try:
            found = value_of((yield _effect(parameters, [item], waits)))
        except NodeError as error:
            if not call.continues:
                raise _of_item(error, index) from None
            # n8n puts an error at the output that has the number of its item
            _add(made, index, [error_item(error, index)])
            continue
        for output, left in enumerate(found if waits and found is not None else [[call.items[index]]]):
            _add(made, output, [{**each, "pairedItem": paired(index)} for each in left])
    return made or [[]]


def _add(made: list[list[Item]], output: int, items: list[Item]) -> None:
    made.extend([] for _ in range(output + 1 - len(made)))
    made[output].extend(items)


def _of_item(error: NodeError, index: int) -> NodeError:
    """What a node of the sub-workflow says is told as it is; what its code threw, or what kept it from running, by the item."""
    if isinstance(error, EffectFailed) and (error.failure.node is None or error.failure.code == CodeError.code):
        text = f"Error executing workflow with item at index {index}"
        error = EffectFailed(Reply(failure=Failure(message=text, code=error.failure.code, description=error.failure.message)))
    error.item = index
    return error


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


def _document(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        raise NodeError("The workflow in the node is not valid JSON") from None
    if not isinstance(found, dict):
        raise NodeError("The workflow in the node is no JSON object")
    return found


TYPES = (NodeType(name="n8n-nodes-base.executeWorkflow", versions=(1, 1.1, 1.2, 1.3), run=run, effect=True),)
