"""Examples of schedules, for the API's own documentation."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages import CatchUp, NextTimes, Overlap, ScheduleList, ScheduleRecord, TaskRequest
from coordinator.gateway.examples.tasks import TASK
from coordinator.gateway.examples.time import NOON

_DAILY: Final = {"cron": "30 7 * * 1-5", "time_zone": "Europe/Berlin"}
SCHEDULES: Final[dict[str, Example]] = {
    "morning": {
        "summary": "On every working day at half past seven",
        "value": {"name": "morning news", **_DAILY, "task": {"prompt": "Sum up the news.", "model": "llama3.2:3b"}},
    },
    "hourly": {
        "summary": "Every hour for a week, one after the other",
        "value": {
            "name": "watch the log",
            "cron": "@hourly",
            "task": {"prompt": "What is odd about this log? …", "priority": "low"},
            "overlap": "skip",
            "catch_up": "none",
            "ends_at": "2100-01-01T00:00:00Z",
        },
    },
}
TIMINGS: Final[dict[str, Example]] = {"morning": {"summary": "Half past seven on working days", "value": _DAILY}}
SCHEDULE_CHANGES: Final[dict[str, Example]] = {
    "pause": {"summary": "Pause it", "value": {"enabled": False}},
    "later": {"summary": "An hour later, without an end", "value": {"cron": "30 8 * * 1-5", "ends_at": None}},
}
_SCHEDULE: Final = ScheduleRecord(
    id=UUID("3d1f7a52-6a0b-4f5e-9d53-0c7c6a1f2b11"),
    owner="anna",
    name="morning news",
    cron="30 7 * * 1-5",
    time_zone="Europe/Berlin",
    task=TaskRequest(prompt="Sum up the news.", model="llama3.2:3b"),
    enabled=True,
    catch_up=CatchUp.LAST,
    overlap=Overlap.ALLOW,
    next_due=NOON + timedelta(hours=18, minutes=30),
    last_due=NOON - timedelta(hours=5, minutes=30),
    last_task_id=TASK.id,
    created_at=NOON - timedelta(days=1),
    updated_at=NOON - timedelta(days=1),
)
ANSWERS: Final[tuple[BaseModel, ...]] = (
    _SCHEDULE,
    ScheduleList(schedules=(_SCHEDULE.model_copy(update={"task": None}),)),
    NextTimes(times=tuple(datetime(2026, 11, day, 7, 30, tzinfo=ZoneInfo("Europe/Berlin")) for day in range(23, 28))),
)
