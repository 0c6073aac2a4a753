"""Limit: the first or the last items."""

from workflow.core.items import Outputs
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import number_of


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    most = int(number_of(parameters.get("maxItems", 1)) or 0)
    if len(call.items) <= most:
        return [call.items]
    return [call.items[:most] if parameters.get("keep", "firstItems") == "firstItems" else call.items[len(call.items) - most :]]


TYPES = (NodeType(name="n8n-nodes-base.limit", versions=(1,), run=run),)
