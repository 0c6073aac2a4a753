"""Hive's own nodes for events: one that an event of the bus starts, and one that publishes a `workflow.message` for each item."""

from workflow.core.effects import PublishEvent
from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs, paired
from workflow.nodes import triggers
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.running.hearing import TRIGGER

MAX_NAME = 200


def publish(call: NodeCall) -> EffectRun:
    """`name`, and as payload the item, or what `payload` says. Each item passes through with what came of it under `event`."""
    made: list[Item] = []
    for index, item in enumerate(call.items):
        try:
            parameters = call.each()[index]
            name = parameters.text("name")
            if not 1 <= len(name) <= MAX_NAME:
                raise NodeError(f"An event needs a name of 1 to {MAX_NAME} characters, such as `order.paid`", item=index)
            payload = parameters.get("payload", None)
            effect = PublishEvent(name=name, payload=item["json"] if payload is None else payload)
            event = value_of((yield effect))
            made.append({"json": {**item["json"], "event": event}, "pairedItem": paired(index)})
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    outputs: Outputs = [made]
    return outputs


TYPES = (
    NodeType(name=TRIGGER, versions=(1,), run=triggers.run, inputs=0, trigger=True),
    NodeType(name="hive.publishEvent", versions=(1,), run=publish, effect=True),
)
