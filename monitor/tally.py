"""What the end of a task adds up to. Sums of whole numbers: any order of the same ends gives the same tally, to the last digit."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import add, attrgetter, sub
from typing import Any, Final, Self

from bus.messages import TaskChange, TaskStatus, Timings, Usage
from bus.messages.cluster import Quality
from bus.messages.workflows import ExecutionStatus, WorkflowChange

MICROSECONDS: Final = 1_000_000
RETRY: Final = "retry"
"""n8n's word for the mode of an execution that goes on with one that failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Of any number of ended tasks. Times are whole microseconds, because sums of floats depend on their order."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    retries: int = 0
    """Attempts after the first, of tasks; executions that went on with one that had failed."""
    completion_tokens: int = 0
    timed_tasks: int = 0
    """Completed tasks whose duration is known."""
    task_microseconds: int = 0
    """What those took together."""
    timed_tokens: int = 0
    """Tokens whose generation time is known."""
    generation_microseconds: int = 0
    """What those took together."""

    def __add__(self, other: Self) -> Self:
        return type(self)(**dict(zip(_NAMES, map(add, _numbers(self), _numbers(other)), strict=True)))

    def __sub__(self, other: Self) -> Self:
        """Without what was added before."""
        return type(self)(**dict(zip(_NAMES, map(sub, _numbers(self), _numbers(other)), strict=True)))

    @property
    def success_rate(self) -> float | None:
        """Of 1. What was cancelled says nothing of how well it would have gone."""
        return self.completed / (self.completed + self.failed) if self.completed + self.failed else None

    @property
    def error_rate(self) -> float | None:
        """Of 1: what is missing to `success_rate`."""
        return self.failed / (self.completed + self.failed) if self.completed + self.failed else None

    @property
    def quality(self) -> dict[str, Any]:
        """As the fields of bus.messages.cluster.Quality."""
        return {name: getattr(self, name) for name in Quality.model_fields}

    @property
    def rates(self) -> dict[str, Any]:
        """Of `quality` those fields that are of 1."""
        return {"success_rate": self.success_rate, "error_rate": self.error_rate}

    @property
    def mean_task_seconds(self) -> float | None:
        return self.task_microseconds / self.timed_tasks / MICROSECONDS if self.timed_tasks else None

    @property
    def generation_tokens_per_second(self) -> float | None:
        """Over all tokens, so that a long answer weighs more than a short one."""
        return self.timed_tokens / self.generation_microseconds * MICROSECONDS if self.generation_microseconds else None


_NAMES: Final = tuple(field.name for field in fields(Tally))
_numbers: Final = attrgetter(*_NAMES)
"""Added up at each end, so it is read in one go."""


_KINDS: Final[dict[TaskStatus, Callable[[TaskChange], Tally]]] = {
    TaskStatus.COMPLETED: lambda change: _completed(change.usage or Usage(), change.timings or Timings()),
    TaskStatus.FAILED: lambda _: Tally(failed=1),
    TaskStatus.CANCELLED: lambda _: Tally(cancelled=1),
}


def tally(change: TaskChange) -> Tally:
    """What one event adds: nothing, unless it is an end."""
    kind = _KINDS.get(change.status)
    return kind(change) + Tally(retries=_retries(change)) if kind else Tally()


def _retries(change: TaskChange) -> int:
    """Once a task: one that was requeued by hand and ends again has told those of its first round already."""
    return 0 if change.round_number else max(0, change.attempt - 1)


_EXECUTIONS: Final = {
    ExecutionStatus.SUCCESS: Tally(completed=1),
    ExecutionStatus.ERROR: Tally(failed=1),
    ExecutionStatus.CANCELED: Tally(cancelled=1),
}


def execution_tally(change: WorkflowChange) -> Tally:
    """The same of an execution: nothing, unless it has ended."""
    ended = _EXECUTIONS.get(change.status)
    return ended + Tally(retries=int(change.mode == RETRY)) if ended else Tally()


def _completed(usage: Usage, timings: Timings) -> Tally:
    tokens, generation = usage.completion_tokens, generation_microseconds(usage, timings)
    return Tally(
        completed=1,
        completion_tokens=tokens,
        timed_tasks=int(timings.total_seconds is not None),
        task_microseconds=_microseconds(timings.total_seconds),
        timed_tokens=tokens if generation else 0,
        generation_microseconds=generation,
    )


def generation_microseconds(usage: Usage, timings: Timings) -> int:
    """As the backend measured it, or by its rate; 0 when it told neither."""
    if timings.generation_seconds is None and timings.generation_tokens_per_second:
        return _microseconds(usage.completion_tokens / timings.generation_tokens_per_second)
    return _microseconds(timings.generation_seconds)


def _microseconds(seconds: float | None) -> int:
    return round((seconds or 0) * MICROSECONDS)
