"""Between what the leader decided and PostgreSQL's columns: rows in, rows out. Pure."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bus.messages import (
    AttemptOutcome,
    AttemptRecord,
    AttemptStatus,
    Continuation,
    FailureInfo,
    JsonObject,
    Output,
    Requirements,
    TaskRecord,
    TaskRequest,
    TaskStatus,
    Timings,
    Usage,
    Work,
)
from bus.messages.work import CHARACTERS_A_TOKEN, TOKENS_AN_IMAGE, WORK_FIELDS, TaskKind
from bus.tenancy import person
from coordinator.agents.agent import OpenAttempt
from coordinator.leading.continuing import written
from coordinator.scheduling.sizes import Size, size
from coordinator.tasks import ANYTHING, Streaming, Task, session_hash, streaming_of

_JSON_OBJECT = TypeAdapter(JsonObject)
_ATTEMPTS = TypeAdapter(tuple[AttemptRecord, ...])
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(slots=True, kw_only=True)
class NewRow:
    """A task that is not in PostgreSQL yet."""

    task: Task
    status: TaskStatus
    request: TaskRequest | None = None
    body: bytes | None = None
    body_hash: str | None = None
    error: FailureInfo | None = None
    attempt: OpenAttempt | None = None
    """Its first, when it was placed at once."""
    stored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRow:
    """A task that an attempt ended."""

    task: Task
    attempt_id: UUID
    status: TaskStatus
    outcome: AttemptOutcome | None = None
    error: FailureInfo | None = None


def dependency_edges(rows: list[NewRow]) -> list[tuple[UUID, UUID]]:
    """Task and what it depends on. One that failed at once may name what does not exist, so it has none."""
    alive = [row for row in rows if row.request is not None and row.status is not TaskStatus.FAILED]
    return [(row.task.id, task_id) for row in alive if row.request for task_id in row.request.depends_on]


def new_task(row: NewRow, now: datetime) -> tuple[Any, ...]:
    """`charged_task` in PostgreSQL; the others below are the types of their names."""
    task, request, error, attempt = row.task, row.request, row.error, row.attempt
    return (
        task.id,
        task.tenant,
        task.owner,
        task.title,
        request.description if request else None,
        task.priority,
        row.status.value,
        attempt.agent_id if attempt else None,
        task.created_at,
        task.started_at,
        now if row.status.terminal else None,
        _json(request.metadata) if request and request.metadata else None,
        task.sequence,
        task.model,
        row.body.decode() if row.body is not None else None,
        task.timeout_seconds,
        task.attempts,
        task.attempts_allowed,
        attempt.id if attempt else None,
        error.code if error else None,
        error.message if error else None,
        row.body_hash,
        task.traceparent,
        task.not_before,
        task.key_id,
        task.workflow_id,
    )


def new_attempt(attempt: OpenAttempt) -> tuple[Any, ...]:
    return attempt.id, attempt.task_id, attempt.number, attempt.agent_id, attempt.instance, attempt.model


def _json(value: JsonObject) -> str:
    return _JSON_OBJECT.dump_json(value).decode()


def task_end(row: EndRow) -> tuple[Any, ...]:
    done, error = row.outcome if row.status is TaskStatus.COMPLETED else None, row.error
    return (
        row.task.id,
        row.attempt_id,
        row.status.value,
        storable(done.output.model_dump_json()) if done else None,
        done.usage.model_dump_json() if done else None,
        done.timings.model_dump_json(exclude_none=True) if done else None,
        *_error(error),
        done.begins_at if done else 0,
    )


def task_retry(task: Task, attempt_id: UUID, outcome: AttemptOutcome | None) -> tuple[Any, ...]:
    """`outcome`: None where nothing is known of what the attempt wrote, so what stands from earlier ones is left."""
    left = None if outcome is None else written(outcome)
    output = None if left is None else storable(left.output.model_dump_json())
    usage = None if left is None else left.usage.model_dump_json()
    return task.id, attempt_id, task.not_before, task.attempts_allowed, outcome is not None, output, usage


def attempt_end(attempt_id: UUID, status: AttemptStatus, error: FailureInfo | None, begins_at: int = 0) -> tuple[Any, ...]:
    return attempt_id, status.value, *_error(error), begins_at


def continuation_from(output: str | None, usage: str | None) -> Continuation | None:
    """Of a task that has not ended."""
    return None if output is None else Continuation(output=_parsed(Output, output), usage=_parsed(Usage, usage) or Usage())


def task_failure(task_id: UUID, error: FailureInfo) -> tuple[Any, ...]:
    return task_id, *_error(error)


def _error(error: FailureInfo | None) -> tuple[str | None, str | None]:
    return (None, None) if error is None else (error.code, error.message.replace("\x00", "�"))


def storable(json_text: str) -> str:
    """What a model may write and PostgreSQL cannot hold: U+0000 becomes the replacement character.

    A backslash before the escape makes it plain text, such as in an answer about C.
    """
    return _NUL.sub(r"\1�", json_text) if "\\u0000" in json_text else json_text


def task_from(row: Any) -> Task:
    """A row of `live_tasks` or `waiting_tasks`."""
    return Task(
        id=row["id"],
        # A million waiting tasks have a handful of each of these.
        tenant=intern(row["tenant"]),
        owner=intern(row["owner"]),
        priority=row["priority"],
        sequence=row["sequence"],
        created_at=row["created_at"],
        kind=TaskKind(row["kind"] or TaskKind.CHAT),
        model=row["model"] and intern(row["model"]),
        title=row["title"],
        require=Requirements.model_validate_json(row["require"]) if row["require"] not in (None, "{}") else ANYTHING,
        timeout_seconds=row["timeout_seconds"],
        attempts=row["attempts"],
        attempts_allowed=row["attempts_allowed"],
        max_attempts=row["max_attempts"],
        round_number=row["round_number"],
        started_at=row["started_at"],
        not_before=row["not_before"],
        traceparent=row["traceparent"],
        key_id=row["key_id"],
        workflow_id=row["workflow_id"],
        pin=row["pinned_agent"],
        avoid=frozenset(row["avoid"]),
        size=_size(row),
        session=session_hash(person(row["tenant"], row["owner"]), row["session"]),
        end_by=row["end_by"],
        preemptible=row["preemptible"],
        streaming=_streaming(row["streamed_work"]),
    )


def _streaming(work: str | None) -> Streaming:
    """`work` is that of a task whose output is shown as it is written, without what it is about."""
    return Streaming.NOT if work is None else streaming_of(Work.model_validate_json(work))


def _size(row: Any) -> Size:
    tokens = (row["prompt_length"] or 0) // CHARACTERS_A_TOKEN + row["images"] * TOKENS_AN_IMAGE
    return size(tokens, json.loads(row["options"]) if row["options"] else None, row["kind"])


def record_from(row: Any) -> TaskRecord:
    """A row of `get_task`, or one of `list_tasks`, which has neither prompt, output nor attempts."""
    text = row.get("request")
    request = TaskRequest.model_validate_json(text) if text and row["error_code"] != "invalid_request" else None
    record = TaskRecord(
        id=row["id"],
        tenant=row["tenant"],
        owner=row["owner"],
        status=TaskStatus(row["status"]),
        priority=row["priority"],
        title=row["title"],
        description=row["description"],
        model=row["model"],
        timeout_seconds=row["timeout_seconds"],
        max_attempts=request.max_attempts if request else row["attempts_allowed"],
        metadata=_JSON_OBJECT.validate_json(row["metadata"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        assigned_agent_id=row["agent_slug"],
        attempts=_ATTEMPTS.validate_json(row.get("all_attempts") or "[]"),
        output=_parsed(Output, row.get("output")),
        usage=_parsed(Usage, row["usage"]),
        timings=_timings(row),
        error=FailureInfo(code=row["error_code"], message=row["error_message"] or "") if row["error_code"] else None,
    )
    return record if request is None else record.model_copy(update=asked_of(request))


def asked_of(request: TaskRequest) -> dict[str, object]:
    """What a record repeats of the request as it is."""
    names = ("description", "require", "session", "depends_on", "metadata", "not_before", "deadline", "preemptible")
    return {name: getattr(request, name) for name in names + WORK_FIELDS}


def _parsed(model: Any, text: str | None) -> Any:
    return None if text is None else model.model_validate_json(text)


def _timings(row: Any) -> Timings | None:
    timings: Timings | None = _parsed(Timings, row["timings"])
    if timings is None or row["started_at"] is None:
        return timings
    waited = max(0.0, (row["started_at"] - row["created_at"]).total_seconds())
    return timings.model_copy(update={"queue_seconds": round(waited, 4)})
