"""Triggers: what started the execution passes through. Their own work, such as listening, is the engine's."""

from workflow.items import Outputs
from workflow.nodes.contract import NodeCall, NodeType


def run(call: NodeCall) -> Outputs:
    return [call.items]


def _trigger(name: str, *versions: float) -> NodeType:
    return NodeType(name=name, versions=versions, run=run, inputs=0, trigger=True)


TYPES = (
    _trigger("n8n-nodes-base.manualTrigger", 1),
    _trigger("n8n-nodes-base.start", 1),
    _trigger("n8n-nodes-base.webhook", 1, 1.1, 2, 2.1),
    _trigger("n8n-nodes-base.scheduleTrigger", 1, 1.1, 1.2, 1.3),
    _trigger("n8n-nodes-base.cron", 1),
    _trigger("n8n-nodes-base.interval", 1),
    _trigger("n8n-nodes-base.errorTrigger", 1),
    _trigger("n8n-nodes-base.executeWorkflowTrigger", 1, 1.1),
    _trigger("@n8n/n8n-nodes-langchain.chatTrigger", 1, 1.1, 1.2, 1.3),
    _trigger("@n8n/n8n-nodes-langchain.manualChatTrigger", 1, 1.1),
)
