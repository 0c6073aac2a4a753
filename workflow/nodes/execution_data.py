"""Execution Data: values by which executions are found later. The items pass through."""

from workflow.items import Outputs
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import text_of


def run(call: NodeCall) -> Outputs:
    if call.node.parameters.get("operation", "save") == "save":
        for parameters in call.each():
            for pair in parameters.get("dataToSave.values", []):
                call.custom_data[str(pair.get("key", ""))] = text_of(pair.get("value"))
    return [call.items]


TYPES = (NodeType(name="n8n-nodes-base.executionData", versions=(1, 1.1), run=run),)
