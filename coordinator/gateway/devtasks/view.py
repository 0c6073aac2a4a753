"""A dev task as those who asked for it see it: its parts, what each answered, and who made it. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import Field

from bus.messages import FailureInfo, TaskRecord, TaskStatus
from bus.messages.base import Record
from coordinator.gateway.devtasks.parts import DevPlan, PartKind, PartMark

MAX_OUTPUT: Final = 20_000
"""Characters of one part's output; its task has the rest."""


class DevTaskStatus(StrEnum):
    PLANNED = "planned"
    """Nothing runs: run_dev_task has it done."""
    INCOMPLETE = "incomplete"
    """Not all parts were submitted: run_dev_task, asked again with the same parts, submits the rest."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (DevTaskStatus.COMPLETED, DevTaskStatus.FAILED, DevTaskStatus.CANCELLED)


class MadeBy(Record):
    """The last attempt's agent and model; `attempts` counts those before it, too."""

    agent_id: str
    model: str
    attempts: int


class PartState(Record):
    name: str
    kind: PartKind | None = None
    task_id: UUID | None = None
    status: TaskStatus | None = Field(default=None, description="null where it was not submitted")
    position: int | None = Field(default=None, description="in the queue; 1 is next")
    eta_seconds: float | None = None
    made_by: MadeBy | None = Field(default=None, description="which agent has it, or had it, and with which model")
    took_seconds: float | None = None
    output: str | None = None
    left_out: int | None = Field(
        default=None, description="characters of the output that are not here; hive://tasks/{task_id}/output has all"
    )
    error: FailureInfo | None = None


class DevTaskState(Record):
    id: UUID
    goal: str | None = None
    status: DevTaskStatus
    ended: bool
    done: int = Field(description="parts that have completed")
    parts: tuple[PartState, ...]


def planned_state(plan: DevPlan) -> DevTaskState:
    parts = tuple(PartState(name=part.name, kind=part.kind) for part in plan.parts)
    return DevTaskState(id=plan.id, goal=plan.goal, status=DevTaskStatus.PLANNED, ended=False, done=0, parts=parts)


def state_of(mark: PartMark, records: Sequence[TaskRecord | None], goal: str | None) -> DevTaskState:
    """`records` in the order of `mark.parts`; None for a part that was not submitted."""
    found = dict(zip(mark.parts, records, strict=True))
    status = _status(found)
    return DevTaskState(
        id=mark.dev_task,
        goal=goal,
        status=status,
        ended=status.ended,
        done=sum(record is not None and record.status is TaskStatus.COMPLETED for record in records),
        parts=tuple(_part(name, record) for name, record in found.items()),
    )


def _status(found: Mapping[str, TaskRecord | None]) -> DevTaskStatus:
    if None in found.values():
        return DevTaskStatus.INCOMPLETE
    seen = {record.status for record in found.values() if record is not None}
    if not all(status.terminal for status in seen):
        return DevTaskStatus.RUNNING
    if seen == {TaskStatus.COMPLETED}:
        return DevTaskStatus.COMPLETED
    return DevTaskStatus.CANCELLED if TaskStatus.CANCELLED in seen else DevTaskStatus.FAILED


def _part(name: str, record: TaskRecord | None) -> PartState:
    if record is None:
        return PartState(name=name)
    mark = PartMark.of(record.metadata)
    text = None if record.output is None else record.output.text
    over = max(0, len(text or "") - MAX_OUTPUT)
    took = (record.completed_at - record.started_at).total_seconds() if record.completed_at and record.started_at else None
    return PartState(
        name=name,
        kind=None if mark is None else mark.kind,
        task_id=record.id,
        status=record.status,
        position=record.position,
        eta_seconds=record.eta_seconds,
        made_by=_maker(record),
        took_seconds=took,
        output=text and text[:MAX_OUTPUT],
        left_out=over or None,
        error=record.error,
    )


def _maker(record: TaskRecord) -> MadeBy | None:
    if not record.attempts:
        return None
    last = record.attempts[-1]
    return MadeBy(agent_id=last.agent_id, model=last.model, attempts=len(record.attempts))


def words(state: DevTaskState) -> str:
    """For a client that waits: `1 of 4 done; review running on acacia`."""
    going = [
        f"{part.name} {part.status}" + (f" on {part.made_by.agent_id}" if part.made_by is not None else "")
        for part in state.parts
        if part.status is not None and not part.status.terminal
    ]
    return "; ".join((f"{state.done} of {len(state.parts)} done", *going))
