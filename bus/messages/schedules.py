"""A schedule: a task that is submitted at each due time of a cron expression."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from bus.messages.base import Command, Message, Record, Slug, Text, Words
from bus.messages.tasks import TaskId, TaskRequest


class CatchUp(StrEnum):
    """What becomes of due times that passed while nobody led."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class Overlap(StrEnum):
    """What happens when a time comes due and the last task of the schedule has not ended."""

    ALLOW = "allow"
    SKIP = "skip"
    CANCEL_LAST = "cancel_last"


Name = Annotated[Text, Field(min_length=1, max_length=100, description="one of its owner's schedules bears it")]
Cron = Annotated[
    Text,
    Field(min_length=1, max_length=255, description="minute, hour, day of month, month, day of week; or `@hourly` …"),
]
TimeZone = Annotated[Text, Field(min_length=1, max_length=64, description="a name of the IANA database, such as Europe/Berlin")]


class Timing(Command):
    """When a schedule comes due; by itself, what `POST /api/schedules/preview` tries."""

    cron: Cron = Field(examples=["30 7 * * 1-5"])
    time_zone: TimeZone = "UTC"
    starts_at: AwareDatetime | None = Field(default=None, description="the first time that may come due")
    ends_at: AwareDatetime | None = Field(default=None, description="the last time that may come due")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.starts_at is not None and self.ends_at is not None and self.ends_at < self.starts_at:
            raise ValueError("`ends_at` is before `starts_at`")
        return self


def _standing(task: TaskRequest | None) -> None:
    if task is not None and task.depends_on:
        raise ValueError("the task of a schedule cannot wait for others; take out `depends_on`")
    if task is not None and (task.not_before is not None or task.deadline is not None):
        raise ValueError("the schedule says when its task begins, each time anew; take out `not_before` and `deadline`")


class CreateSchedule(Timing):
    """The body of `POST /api/schedules`. Its tasks are its owner's, with the rights of the key that it was made with."""

    name: Name
    task: TaskRequest
    enabled: bool = True
    catch_up: CatchUp = Field(default=CatchUp.LAST, description="of times that were missed: none, the last, or all up to 100")
    overlap: Overlap = Field(default=Overlap.ALLOW, description="while the last task has not ended")

    @model_validator(mode="after")
    def _stands_alone(self) -> Self:
        _standing(self.task)
        return self


class UpdateSchedule(Command):
    """The body of `PATCH /api/schedules/{id}`: what is left out stays as it is; null takes `starts_at` or `ends_at` away."""

    name: Name | None = None
    cron: Cron | None = None
    time_zone: TimeZone | None = None
    task: TaskRequest | None = None
    enabled: bool | None = None
    catch_up: CatchUp | None = None
    overlap: Overlap | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class ChangeSchedule(UpdateSchedule):
    """The same as a verb's body, sent with its nulls."""

    id: UUID


class ScheduleRef(Command):
    id: UUID


class RunSchedule(Command):
    """`task_id`: of the task that is submitted now; the caller makes it, so that an order given twice is one task."""

    id: UUID
    task_id: TaskId


class ListSchedules(Command):
    """Newest first. `cursor` is the `next_cursor` of the page before."""

    owner: Text | None = None
    limit: int = Field(default=50, ge=1, le=500)
    cursor: Text | None = None


class ScheduleProblem(Message):
    """Why the last due time brought no task. `code` is stable (docs/errors.md)."""

    code: str
    message: Words
    at: datetime


class ScheduleRecord(Record):
    """A schedule as every door shows it. `next_due` is null while it is paused, and when no due time is left."""

    id: UUID
    tenant: Slug = "default"
    owner: str
    name: str
    cron: str
    time_zone: str
    task: TaskRequest | None = Field(default=None, description="left out in lists")
    enabled: bool
    catch_up: CatchUp
    overlap: Overlap
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    next_due: datetime | None = None
    last_due: datetime | None = None
    last_task_id: TaskId | None = None
    last_problem: ScheduleProblem | None = Field(default=None, description="null when the last due time brought a task")
    created_at: datetime
    updated_at: datetime


class ScheduleList(Record):
    """Records without their tasks; `GET /api/schedules/{id}` has those."""

    schedules: tuple[ScheduleRecord, ...]
    next_cursor: str | None = None


class ScheduleChange(Message):
    """What a due time brought: a task, or the reason why none."""

    schedule_id: UUID
    name: str
    owner: str
    due_at: datetime
    task_id: TaskId | None = None
    problem: ScheduleProblem | None = None


class NextTimes(Record):
    """The next due times, as a clock in the time zone shows them: five, or fewer where `ends_at` comes before."""

    times: tuple[datetime, ...]
