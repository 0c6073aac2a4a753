"""What a sub-workflow gives back to the node that called it: all outputs of its last node, paired with the caller's items. Pure."""

from typing import Any, Final

from workflow.core.execution import Execution, NodeRun
from workflow.core.items import Item, paired

_MOST_STEPS: Final = 10_000
_UNTOLD: Final = -1
"""Somewhere on the way an item does not say which single one it was made of."""


def returned(execution: Execution) -> list[list[Item]]:
    """An item is paired with what the trigger was given, where it can be followed back to it; else as `_pair` says."""
    runs = execution.runs.get(execution.last_node or "", ())
    if not runs:
        return []
    return [
        [{**item, "pairedItem": _pair(execution, runs[-1], item, index)} for index, item in enumerate(items or ())]
        for items in runs[-1].outputs or ()
    ]


def first_of(outputs: list[list[Item]]) -> list[Item]:
    """The first output that has items, for those who know of one output only."""
    return next((items for items in outputs if items), [])


def _pair(execution: Execution, run: NodeRun, item: Item, index: int) -> Any:
    """Made of all, where it does not say of what; where that is lost on the way, it is taken for that of the same index."""
    pair, count = item.get("pairedItem"), len(execution.start_items)
    if pair is None:
        return [paired(each) for each in range(count)]
    found = _at_trigger(execution, run, pair, index)
    if found == _UNTOLD and index < count:
        return paired(index)
    if found is not None and found != _UNTOLD:
        return paired(found)
    return pair


def _at_trigger(execution: Execution, run: NodeRun, pair: Any, index: int) -> int | None:
    """As n8n follows it: by the first input, through first outputs, and through a loop by the index. None where that leads nowhere."""
    for _ in range(_MOST_STEPS):
        if isinstance(pair, dict) and "sourceOverwrite" in pair:
            run = execution.runs[run.node][0]
        else:
            found = pair.get("item") if isinstance(pair, dict) and not pair.get("input") else pair
            if not isinstance(found, int):
                return None if isinstance(pair, dict) else _UNTOLD
            index = found
        if not run.sources:
            return index
        source = run.sources[0]
        if source is None:
            return None
        run = execution.runs[source.node][source.run]
        items = run.outputs[0] if run.outputs else None
        if items is None or not 0 <= index < len(items):
            return None
        pair = items[index].get("pairedItem")
    return None
