"""Loop Over Items (Split in Batches): gives its input in batches by its second output, and what came back of them by its first.

Its context counts: which items it goes through, and which came back, is in the runs. A loop in which something reaches outside is stored
with each round, so what it kept itself would be written as often as there are items. Version 1 and 2 have one loop output first (`loop`,
`done` swapped, or only one); version 3 has `done` first.
"""

from collections.abc import Sequence
from typing import Any

from workflow.core.execution import Source
from workflow.core.items import Item, Items, Outputs
from workflow.n8n.document import Node
from workflow.nodes.contract import NodeCall, NodeType


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    size = max(1, int(parameters.get("batchSize", 10 if call.node.version < 3 else 1)))
    context = call.context
    if call.run == 0 or parameters.get("options.reset") is True:
        _begin(context, call)
        items, batch = call.items, list(call.items[:size])
    else:
        context["currentRunIndex"] += 1
        items = _came(call, context["firstRun"])
        batch = _past_the_loop(items, range(context["given"], min(context["given"] + size, len(items))), context["sourceData"])
    context["given"] += len(batch)
    context["noItemsLeft"] = context["given"] >= len(items)
    return _outputs(call, batch)


def _begin(context: dict[str, Any], call: NodeCall) -> None:
    source = _named(_sources(call, call.run))
    context.clear()
    context.update(firstRun=call.run, given=0, currentRunIndex=0, maxRunIndex=len(call.items), sourceData=source, done=False)


def _past_the_loop(items: Items, places: range, source: dict[str, Any]) -> list[Item]:
    """From the second batch on the items point to where they came from."""
    return [{**items[n], "pairedItem": {"item": n, "sourceOverwrite": source}} for n in places]


def _outputs(call: NodeCall, batch: list[Item]) -> Outputs:
    version = call.node.version
    if batch and version < 2:
        return [batch]
    if batch:
        return [[], batch] if version >= 3 else [batch, []]
    call.context["done"] = True
    if version < 2:
        return []
    done = [item for number in _rounds(call) for item in _returned(call, number)]
    return [done, []] if version >= 3 else [[], done]


def _rounds(call: NodeCall) -> Sequence[int]:
    """The runs by which something came back; one that failed took nothing."""
    runs = call.execution.runs.get(call.node.name, ())
    first = call.context["firstRun"] + 1
    return [number for number in range(first, call.run + 1) if number == call.run or runs[number].failure is None]


def _returned(call: NodeCall, number: int) -> list[Item]:
    items = _came(call, number)
    return _past_the_loop(items, range(len(items)), _named(_sources(call, number)))


def _came(call: NodeCall, number: int) -> Items:
    """The input of a run of this node, its pairs as they were."""
    if number == call.run:
        return call.items
    execution, sources = call.execution, _sources(call, number)
    items = execution.items_of(sources[0]) if sources else execution.start_items or ({"json": {}},)
    return items[:1] if call.node.execute_once else items


def _sources(call: NodeCall, number: int) -> Sequence[Source | None]:
    if number == call.run:
        return call.execution.standing.visit.sources
    return call.execution.runs[call.node.name][number].sources


def _named(sources: Sequence[Source | None]) -> dict[str, Any]:
    source = next((each for each in sources if each is not None), None) or Source("")
    return {"previousNode": source.node, "previousNodeOutput": source.output, "previousNodeRun": source.run}


def _output_count(node: Node) -> int:
    return 1 if node.version < 2 else 2


TYPES = (NodeType(name="n8n-nodes-base.splitInBatches", versions=(1, 2, 3), run=run, outputs=_output_count),)
