"""Executions as rows of the record, and back. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json, to_json

from bus.messages import Claims
from bus.messages.workflows import ExecutionRecord, ExecutionStatus
from workflow.core.codec import frame, from_frame, in_n8n_shape, new_runs, run_from_json, run_to_json
from workflow.core.execution import Execution, NodeRun
from workflow.core.graph import Graph
from workflow.running.held import Held, Origin, Progress

SHOWN_RUN_BYTES: Final = 7_000_000
"""Of run data in one answer (`bus.service.MAX_ANSWER_BYTES` with room for the rest)."""
_AROUND: Final = 5
_LAST_MS: Final = 253_402_300_799_000
"""The last second of the year 9999."""
SHOWN_BYTES: Final = 8192
"""Of `input_data` and `output_data`, which repeat what frame and runs hold, for whoever reads the tables: longer ones are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """One execution as it is to be written; `runs` are those that the record lacks."""

    id: UUID
    row: tuple[Any, ...]
    first_index: int
    runs: bytes | None
    next_index: int


def pack(held: Held, owner: UUID | None, wake_ms: int | None = None) -> Save:
    """`wake_ms` with no owner: it waits for long, whatever its own status says."""
    execution = held.execution
    runs = new_runs(execution, held.stored)
    waits = owner is None and not execution.ended
    last = execution.last_items() if execution.ended else ()
    row = (
        held.id,
        held.origin.workflow_id,
        held.origin.version,
        None if held.origin.document is None else json.dumps(held.origin.document),
        "waiting" if waits else execution.status.value,
        execution.mode.value,
        held.origin.claims.sub,
        held.origin.claims.model_dump_json(),
        _shown(execution.start_items) if held.revision == 0 else None,
        _shown(last) if last else None,
        _text(execution.failure.message) if execution.failure is not None else None,
        _time(execution.created_ms),
        _time(execution.started_ms),
        _time(execution.ended_ms),
        encode(frame(execution)),
        held.revision + 1,
        owner,
        held.epoch,
        _time(wake_ms),
        held.take_ups if progress_of(execution) == held.progress else 0,
    )
    first = runs[0].index if runs else held.stored
    packed = encode([run_to_json(run) for run in runs]) if runs else None
    return Save(id=held.id, row=row, first_index=first, runs=packed, next_index=runs[-1].index + 1 if runs else held.stored)


def encode(value: Any) -> bytes:
    """JSON. Half a surrogate pair, which JavaScript allows in a string, is kept as an escape."""
    try:
        return to_json(value, inf_nan_mode="constants")
    except ValueError:
        return json.dumps(value).encode()


def execution_of(row: Mapping[str, Any], pieces: Iterable[bytes]) -> Execution:
    """Raises ValueError for a frame of a newer version."""
    return from_frame(json.loads(row["frame"]), runs_of(pieces))


def runs_of(pieces: Iterable[bytes]) -> list[NodeRun]:
    return [run_from_json(run) for piece in pieces for run in json.loads(piece)]


def held_of(row: Mapping[str, Any], pieces: Iterable[bytes], graph: Graph) -> Held:
    """As it was claimed: `epoch` is the new owner's."""
    execution = execution_of(row, pieces)
    next_run = execution.next_index if execution.current is None else execution.current.index
    asked = () if execution.current is None else execution.current.asked
    return Held(
        id=row["id"],
        execution=execution,
        graph=graph,
        origin=origin_of(row),
        revision=row["revision"],
        epoch=row["epoch"],
        stored=next_run,
        told=next_run,
        doubtful=frozenset(effect.key for effect in asked if not effect.repeatable),
        take_ups=row["take_ups"],
        progress=progress_of(execution),
    )


def progress_of(execution: Execution) -> Progress:
    """How far it is: the same whenever it is read, and another as soon as it got further."""
    current = execution.current
    if current is None:
        return (execution.next_index,)
    return (execution.next_index, current.attempt, current.retrying, len(current.rounds), len(current.replies))


def origin_of(row: Mapping[str, Any]) -> Origin:
    document = row["document"]
    return Origin(
        workflow_id=row["workflow_id"],
        version=row["workflow_version"],
        claims=Claims.model_validate_json(row["claims"]),
        document=None if document is None else from_json(document),
    )


def record_of(row: Mapping[str, Any], data: dict[str, Any] | None = None) -> ExecutionRecord:
    status = ExecutionStatus(row["status"])
    shown, left_out = (None, None) if data is None else fitting(data)
    return ExecutionRecord(
        id=row["id"],
        workflow_id=row["workflow_id"],
        workflow_version=row["workflow_version"],
        workflow_name=row["workflow_name"],
        status=status,
        mode=row["mode"],
        finished=status is ExecutionStatus.SUCCESS,
        created_by=row["created_by"],
        error_message=row["error_message"],
        wait_till=row["wake_at"] if status is ExecutionStatus.WAITING else None,
        created_at=row["created_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        data=shown,
        left_out=left_out,
    )


def record_of_held(held: Held) -> ExecutionRecord:
    """Of one that has ended and whose workflow keeps no record of it."""
    execution = held.execution
    row = {
        "id": held.id,
        "workflow_id": held.origin.workflow_id,
        "workflow_version": held.origin.version,
        "workflow_name": held.graph.workflow.name,
        "status": execution.status.value,
        "mode": execution.mode.value,
        "created_by": held.origin.claims.sub,
        "error_message": None if execution.failure is None else _text(execution.failure.message),
        "created_at": _time(execution.created_ms),
        "started_at": _time(execution.started_ms),
        "completed_at": _time(execution.ended_ms),
    }
    return record_of(row, in_n8n_shape(execution))


def fitting(data: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """Run data, or what of them fits into an answer, and what is left out then: the contents of files, else all of them."""
    text = encode(data)
    if len(text) <= SHOWN_RUN_BYTES:
        return (
            (data, None) if _readable(text) else (None, "All of it: something in the run data nests deeper than can be read.")
        )
    smaller = _without_files(data)
    text = encode(smaller)
    if len(text) <= SHOWN_RUN_BYTES and _readable(text):
        return smaller, f"The contents of files: with them the run data are more than {SHOWN_RUN_BYTES:,} bytes."
    return None, f"All of it: the run data are more than {SHOWN_RUN_BYTES:,} bytes."


def _readable(text: bytes) -> bool:
    """By whoever is given the answer, where the run data are a part of something larger."""
    try:
        from_json(b"[" * _AROUND + text + b"]" * _AROUND)
    except ValueError as error:
        return "recursion limit" not in str(error)
    return True


def _without_files(data: dict[str, Any]) -> dict[str, Any]:
    result = data["resultData"]
    runs = {name: [_run_without_files(run) for run in found] for name, found in result["runData"].items()}
    return {**data, "resultData": {**result, "runData": runs}}


def _run_without_files(run: dict[str, Any]) -> dict[str, Any]:
    if "data" not in run:
        return run
    outputs = {kind: [_items_without_files(items) for items in found] for kind, found in run["data"].items()}
    return {**run, "data": outputs}


def _items_without_files(items: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]] | None:
    if items is None:
        return None
    return [{**item, "binary": _no_contents(item["binary"])} if item.get("binary") else item for item in items]


def _no_contents(files: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: value for key, value in file.items() if key != "data"} for name, file in files.items()}


def _time(ms: int | None) -> datetime | None:
    """What is farther away than years are counted is as far as they are: nobody comes to see the difference."""
    return None if ms is None else datetime.fromtimestamp(min(ms, _LAST_MS) / 1000, UTC)


def _shown(items: Iterable[Mapping[str, Any]]) -> str | None:
    """The items' JSON where it is short and PostgreSQL's jsonb can hold it."""
    found = list(items)
    if len(found) > 100:
        return None
    text = json.dumps([item.get("json") for item in found])
    return (
        None if len(text) > SHOWN_BYTES or "\\u0000" in text or "\\ud" in text or "NaN" in text or "Infinity" in text else text
    )


def _text(message: str) -> str:
    return message.replace("\x00", "").encode(errors="replace").decode()[:4000]
