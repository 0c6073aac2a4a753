"""Item Lists: the node that Aggregate, Split Out, Sort and others came from; it does what they do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from workflow.core.failure import NodeError
from workflow.core.items import Outputs
from workflow.core.paths import MISSING, read
from workflow.nodes import aggregate, limit, remove_duplicates, sort, split_out, summarize
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import names_in

_RUN: Final[dict[str, Callable[[NodeCall], Outputs]]] = {
    "aggregateItems": aggregate.run,
    "concatenateItems": aggregate.run,
    "limit": limit.run,
    "sort": sort.run,
    "summarize": summarize.run,
}


def run(call: NodeCall) -> Outputs:
    operation = call.node.parameters.get("operation", "splitOutItems")
    if operation not in (*_RUN, "splitOutItems", "removeDuplicates"):
        raise NodeError(f"The operation {operation!r} is not known")
    version = call.node.version
    # Its version says nothing of theirs; the parameters stay the same object, so that they are compiled once.
    call.node = replace(call.node, version=1)
    if operation == "removeDuplicates":
        return [remove_duplicates.within(call.once(), call.items)]
    if operation != "splitOutItems":
        return _RUN[operation](call)
    if version < 2.1:
        _require_fields(call)
    return split_out.run(call, nested=version >= 3)


def _require_fields(call: NodeCall) -> None:
    """The oldest versions take no item that lacks the list."""
    for index, (item, parameters) in enumerate(zip(call.items, call.each(), strict=True)):
        dotted = parameters.get("options.disableDotNotation") is not True
        for name in names_in(parameters.get("fieldToSplitOut", "")):
            if (read(item["json"], name, MISSING) if dotted else item["json"].get(name, MISSING)) is MISSING:
                raise NodeError(f"Couldn't find the field '{name}' in the input data", item=index)


TYPES = (NodeType(name="n8n-nodes-base.itemLists", versions=(1, 2, 2.1, 2.2, 3, 3.1), run=run),)
