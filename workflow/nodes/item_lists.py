"""Item Lists: the node that Aggregate, Split Out, Sort and others came from; it does what they do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from workflow.failure import NodeError
from workflow.items import Outputs
from workflow.nodes import aggregate, limit, remove_duplicates, sort, split_out, summarize
from workflow.nodes.contract import NodeCall, NodeType

_RUN: Final[dict[str, Callable[[NodeCall], Outputs]]] = {
    "aggregateItems": aggregate.run,
    "concatenateItems": aggregate.run,
    "limit": limit.run,
    "removeDuplicates": remove_duplicates.run,
    "sort": sort.run,
    "splitOutItems": split_out.run,
    "summarize": summarize.run,
}


def run(call: NodeCall) -> Outputs:
    operation = call.node.parameters.get("operation", "splitOutItems")
    if operation not in _RUN:
        raise NodeError(f"The operation {operation!r} is not known")
    # Its version says nothing of theirs; the parameters stay the same object, so that they are compiled once.
    call.node = replace(call.node, version=1)
    return _RUN[operation](call)


TYPES = (NodeType(name="n8n-nodes-base.itemLists", versions=(1, 2, 2.1, 2.2, 3, 3.1), run=run),)
