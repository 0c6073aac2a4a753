"""An execution as an assistant needs it: what ran, and what came last, without the whole of its data. Pure.

`data` of a record is n8n's: `resultData.runData[node][run].data.main[output]` is a list of items.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from bus.errors import InvalidRequest
from bus.messages.base import Record
from bus.messages.workflows import ExecutionRecord, ExecutionStatus

LAST_ITEMS: Final = 20


class NodeRuns(Record):
    node: str
    runs: int
    items: int = Field(description="that its last run gave, on all outputs")
    error: str | None = None


class ExecutionState(Record):
    """`items` are the first of those that the last node gave; get_node_output has the rest."""

    id: UUID
    workflow_id: UUID | None = None
    workflow_name: str | None = None
    workflow_version: int
    status: ExecutionStatus
    ended: bool
    mode: str
    error_message: str | None = None
    created_by: str
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    nodes: tuple[NodeRuns, ...] = ()
    last_node: str | None = None
    items: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, record: ExecutionRecord) -> "ExecutionState":
        same = {name: getattr(record, name) for name in cls.model_fields if name in ExecutionRecord.model_fields}
        last = (_result(record).get("lastNodeExecuted")) if record.data else None
        items = tuple(_items(record, last))[:LAST_ITEMS] if last is not None else ()
        return cls(**same, ended=record.status.ended, nodes=tuple(_nodes(record)), last_node=last, items=items)


class NodeOutput(Record):
    """Items of one output of one run of a node, from `offset` on."""

    execution_id: UUID
    node: str
    run: int
    output: int
    total: int
    items: tuple[dict[str, Any], ...]
    error: str | None = None


def node_output(record: ExecutionRecord, node: str, run: int | None, output: int, offset: int, limit: int) -> NodeOutput:
    """InvalidRequest, naming the field, for what did not run. `run` None: the last one."""
    runs = _run_data(record).get(node)
    if not runs:
        ran = ", ".join(_run_data(record)) or "none"
        raise InvalidRequest(f"`node`: {node!r} did not run in this execution. Those that ran: {ran}.")
    number = len(runs) - 1 if run is None else run
    if number >= len(runs):
        raise InvalidRequest(f"`run`: {node!r} ran {len(runs)} times; the last run is {len(runs) - 1}.")
    outputs = _main(runs[number])
    if output >= max(1, len(outputs)):
        raise InvalidRequest(f"`output`: {node!r} has {len(outputs)}; the last is {len(outputs) - 1}.")
    items = outputs[output] or [] if outputs else []
    return NodeOutput(
        execution_id=record.id,
        node=node,
        run=number,
        output=output,
        total=len(items),
        items=tuple(items[offset : offset + limit]),
        error=_error(runs[number]),
    )


def _items(record: ExecutionRecord, node: str) -> Iterator[dict[str, Any]]:
    runs = _run_data(record).get(node) or []
    for output in _main(runs[-1]) if runs else ():
        yield from output or ()


def _nodes(record: ExecutionRecord) -> Iterator[NodeRuns]:
    for name, runs in _run_data(record).items():
        given = sum(len(output or ()) for output in _main(runs[-1]))
        yield NodeRuns(node=name, runs=len(runs), items=given, error=_error(runs[-1]))


def _result(record: ExecutionRecord) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (record.data or {}).get("resultData") or {}
    return found


def _run_data(record: ExecutionRecord) -> Mapping[str, list[dict[str, Any]]]:
    found: Mapping[str, list[dict[str, Any]]] = _result(record).get("runData") or {}
    return found


def _main(run: Mapping[str, Any]) -> list[list[dict[str, Any]] | None]:
    found: list[list[dict[str, Any]] | None] = (run.get("data") or {}).get("main") or []
    return found


def _error(run: Mapping[str, Any]) -> str | None:
    error = run.get("error")
    return None if error is None else str(error.get("message") if isinstance(error, Mapping) else error)
