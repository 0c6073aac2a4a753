"""Nodes that change nothing: No Operation passes its input on, a sticky note is only seen."""

from workflow.core.items import Outputs
from workflow.nodes.contract import NodeCall, NodeType


def run(call: NodeCall) -> Outputs:
    return [call.items]


TYPES = (
    NodeType(name="n8n-nodes-base.noOp", versions=(1,), run=run),
    NodeType(name="n8n-nodes-base.stickyNote", versions=(1,), run=run, inputs=0, outputs=0),
)
