"""Loop Over Items (Split in Batches): gives its input in batches by its second output, and what came back of them by its first.

Its context keeps the items that wait and those that came back. Version 1 and 2 have one loop output first (`loop`, `done` swapped, or
only one); version 3 has `done` first.
"""

from typing import Any

from workflow.execution import Source
from workflow.items import Item, Items, Outputs
from workflow.n8n.document import Node
from workflow.nodes.contract import NodeCall, NodeType


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    size = max(1, int(parameters.get("batchSize", 10 if call.node.version < 3 else 1)))
    context = call.context
    source = _source(call)
    if call.run == 0 or parameters.get("options.reset") is True:
        _begin(context, call.items, source)
        batch = _next(context, size, None)
    else:
        context["currentRunIndex"] += 1
        returned = [{**item, "pairedItem": {"item": n, "sourceOverwrite": source}} for n, item in enumerate(call.items)]
        context["processedItems"] = [*context["processedItems"], *returned]
        batch = _next(context, size, context["sourceData"])
    context["noItemsLeft"] = not context["items"]
    return _outputs(call.node.version, batch, context)


def _begin(context: dict[str, Any], items: Items, source: dict[str, Any]) -> None:
    count = len(items)
    context.clear()
    context.update(items=list(items), processedItems=[], currentRunIndex=0, maxRunIndex=count, sourceData=source, done=False)


def _next(context: dict[str, Any], size: int, source: dict[str, Any] | None) -> list[Item]:
    """The next batch, taken off what waits. From the second on the items point past the loop to where they came from."""
    waiting = context["items"]
    batch, context["items"] = waiting[:size], waiting[size:]
    if source is None:
        return list(batch)
    return [{**item, "pairedItem": {**item["pairedItem"], "sourceOverwrite": source}} for item in batch]


def _outputs(version: float, batch: list[Item], context: dict[str, Any]) -> Outputs:
    if batch and version < 2:
        return [batch]
    if batch:
        return [[], batch] if version >= 3 else [batch, []]
    context["done"] = True
    done: list[Item] = context["processedItems"]
    if version < 2:
        return []
    return [done, []] if version >= 3 else [[], done]


def _source(call: NodeCall) -> dict[str, Any]:
    current = call.execution.current
    found = next((each for each in current.visit.sources if each is not None), None) if current is not None else None
    source = found or Source("")
    return {"previousNode": source.node, "previousNodeOutput": source.output, "previousNodeRun": source.run}


def _output_count(node: Node) -> int:
    return 1 if node.version < 2 else 2


TYPES = (NodeType(name="n8n-nodes-base.splitInBatches", versions=(1, 2, 3), run=run, outputs=_output_count),)
