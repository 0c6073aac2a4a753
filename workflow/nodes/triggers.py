"""Triggers: what started the execution passes through. Their own work, such as listening, is the engine's."""

from collections.abc import Callable
from datetime import UTC, datetime

from workflow.core.items import Item, Outputs
from workflow.doors.chat import CHAT, MANUAL_CHAT, chat_json
from workflow.doors.forms import FORM, Filled, item_of
from workflow.doors.webhook_heard import OUTPUT, methods_of
from workflow.n8n.document import Node
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.sub_inputs import taken
from workflow.running import due


def run(call: NodeCall) -> Outputs:
    return [call.items]


def called(call: NodeCall) -> Outputs:
    return [taken(call.node, call.items)]


def webhook(call: NodeCall) -> Outputs:
    """Of several methods each has an output of its own."""
    outputs: list[list[Item]] = [[] for _ in range(_webhook_outputs(call.node))]
    for item in call.items:
        place = item.get(OUTPUT, 0)
        outputs[place if place < len(outputs) else 0].append({key: value for key, value in item.items() if key != OUTPUT})
    return outputs


def _webhook_outputs(node: Node) -> int:
    return max(1, len(methods_of(node)))


def schedule(call: NodeCall) -> Outputs:
    """By hand there is no due time: it gives the present one, as n8n does."""
    if call.execution.start_items:
        return [call.items]
    return [[due.due_item(call.node, datetime.fromtimestamp(call.now_ms / 1000, UTC), call.time_zone)]]


def chat(call: NodeCall) -> Outputs:
    """By hand a message may be all that is given; the session is one of its own then."""
    session = call.random.getrandbits(128)
    return [[{**item, "json": chat_json(item["json"], f"{session:032x}")} for item in call.items]]


def form(call: NodeCall) -> Outputs:
    """By hand nobody filled anything in."""
    if call.execution.start_items:
        return [call.items]
    now = datetime.fromtimestamp(call.now_ms / 1000, UTC)
    return [[item_of(Filled(json={}, files={}, problems={}), {}, now, "UTC", test=True)]]


def _trigger(
    name: str,
    *versions: float,
    run: Callable[[NodeCall], Outputs] = run,
    outputs: int | Callable[[Node], int] = 1,
) -> NodeType:
    return NodeType(name=name, versions=versions, run=run, inputs=0, outputs=outputs, trigger=True)


TYPES = (
    _trigger("n8n-nodes-base.manualTrigger", 1),
    _trigger("n8n-nodes-base.start", 1),
    _trigger("n8n-nodes-base.webhook", 1, 1.1, 2, 2.1, run=webhook, outputs=_webhook_outputs),
    _trigger("n8n-nodes-base.scheduleTrigger", 1, 1.1, 1.2, 1.3, run=schedule),
    _trigger("n8n-nodes-base.cron", 1, run=schedule),
    _trigger("n8n-nodes-base.interval", 1, run=schedule),
    _trigger("n8n-nodes-base.errorTrigger", 1),
    _trigger("n8n-nodes-base.executeWorkflowTrigger", 1, 1.1, run=called),
    _trigger(CHAT, 1, 1.1, 1.2, 1.3, 1.4, run=chat),
    _trigger(FORM, 1, 2, 2.1, 2.2, 2.3, 2.4, 2.5, run=form),
    _trigger(MANUAL_CHAT, 1, 1.1, run=chat),
)
