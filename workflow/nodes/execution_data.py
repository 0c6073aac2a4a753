"""Execution Data: values by which executions are found later. The items pass through."""

from workflow.core.items import Item, Outputs
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType, each_item
from workflow.nodes.values import text_of


def run(call: NodeCall) -> Outputs:
    if call.node.parameters.get("operation", "save") == "save":
        return [each_item(call, lambda _, item, parameters: _saved(call, item, parameters))]
    return [call.items]


def _saved(call: NodeCall, item: Item, parameters: Parameters) -> Item:
    for pair in parameters.get("dataToSave.values", []):
        call.custom_data[str(pair.get("key", ""))] = text_of(pair.get("value"))
    return item


TYPES = (NodeType(name="n8n-nodes-base.executionData", versions=(1, 1.1), run=run),)
