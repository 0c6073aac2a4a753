"""An execution as the canvas shows it: a mark for each node, and its items a page at a time. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bus.errors import InvalidRequest
from bus.messages import Message
from bus.messages.workflows import ExecutionRecord

PAGE: Final = 25


class NodeMark(Message):
    """How a node did. `items`: how many left each output in its last run."""

    status: str
    runs: int = 1
    items: tuple[int, ...] = ()
    took_ms: int | None = None
    error: str | None = None


class Choice(Message):
    """A list of items that can be looked at."""

    label: str
    count: int


class ItemPage(Message):
    """Items of one node's run, from `offset` on. `choices`: its inputs or outputs."""

    node: str
    side: str
    run: int
    runs: int
    choices: tuple[Choice, ...] = ()
    choice: int = 0
    offset: int = 0
    total: int = 0
    items: tuple[dict[str, Any], ...] = ()
    error: dict[str, Any] | None = None
    hints: tuple[str, ...] = ()


RunData = Mapping[str, Sequence[Mapping[str, Any]]]


def run_data(record: ExecutionRecord) -> RunData:
    found: RunData = ((record.data or {}).get("resultData") or {}).get("runData") or {}
    return found


def marks_of(data: RunData) -> dict[str, NodeMark]:
    return {name: _mark(runs) for name, runs in data.items() if runs}


def _mark(runs: Sequence[Mapping[str, Any]]) -> NodeMark:
    last = runs[-1]
    error = last.get("error")
    return NodeMark(
        status=str(last.get("executionStatus", "success")),
        runs=len(runs),
        items=tuple(len(items or ()) for items in _outputs(last)),
        took_ms=last.get("executionTime"),
        error=str(error.get("message", "failed")) if isinstance(error, Mapping) else None,
    )


def page_of(data: RunData, node: str, side: str, run: int, choice: int, offset: int) -> ItemPage:
    """`run` -1 is the last. InvalidRequest for what did not run."""
    runs = data.get(node) or ()
    if not runs or not -1 <= run < len(runs):
        raise InvalidRequest(f"{node!r} did not run in this execution.")
    number = len(runs) - 1 if run == -1 else run
    found = runs[number]
    lists = _inputs(data, found) if side == "input" else [("", items) for items in _outputs(found)]
    chosen = min(max(choice, 0), max(len(lists) - 1, 0))
    items = list(lists[chosen][1] or ()) if lists else []
    start = min(max(offset, 0), len(items))
    return ItemPage(
        node=node,
        side=side,
        run=number,
        runs=len(runs),
        choices=tuple(Choice(label=label, count=len(each or ())) for label, each in lists),
        choice=chosen,
        offset=start,
        total=len(items),
        items=tuple(_shown(item) for item in items[start : start + PAGE]),
        error=found.get("error"),
        hints=tuple(str(hint.get("message", "")) for hint in found.get("hints") or ()),
    )


def _outputs(run: Mapping[str, Any]) -> list[Sequence[Any] | None]:
    return next((list(found) for found in (run.get("data") or {}).values()), [])


def _inputs(data: RunData, run: Mapping[str, Any]) -> list[tuple[str, Sequence[Any] | None]]:
    """What came from the runs before it."""
    found: list[tuple[str, Sequence[Any] | None]] = []
    for source in run.get("source") or ():
        if source is not None:
            name, output = source["previousNode"], int(source.get("previousNodeOutput") or 0)
            before = data.get(name) or ()
            number = int(source.get("previousNodeRun") or 0)
            outputs = _outputs(before[number]) if number < len(before) else []
            found.append((name, outputs[output] if output < len(outputs) else None))
    return found


def _shown(item: Any) -> dict[str, Any]:
    """Its JSON, and its files without their contents."""
    if not isinstance(item, Mapping):
        return {"json": item}
    files = {
        name: {key: value for key, value in file.items() if key != "data"} if isinstance(file, Mapping) else {}
        for name, file in (item.get("binary") or {}).items()
    }
    return {"json": item.get("json", {}), **({"files": files} if files else {})}
