"""What a schedule does at a moment: pure. The leader asks it (firing.py), and so do the verbs (schedules.py).

A due time is *missed* when it is found more than a moment late, since nobody led. `catch_up` says what becomes of those; whatever it
says, a time that comes due while somebody leads is never missed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from bus.errors import InvalidRequest
from bus.messages.schedules import CatchUp, Timing
from coordinator.schedules.cron import Timetable, preview

ON_TIME: Final = timedelta(seconds=30)
"""Longer than a takeover takes, and shorter than the minute that is the least between two due times."""
MAX_CATCH_UP: Final = 100
PREVIEWED: Final = 5


@dataclass(frozen=True, slots=True)
class Due:
    """`times` bring a task each, oldest first; `next_due` is None when no time is left."""

    times: tuple[datetime, ...]
    next_due: datetime | None


def task_id_of(schedule_id: UUID, due: datetime) -> UUID:
    """The same due time of a schedule is the same task, whoever submits it and however often. `due` is in UTC."""
    return uuid5(schedule_id, due.isoformat())


def due(timing: Timing, catch_up: CatchUp, next_due: datetime, now: datetime) -> Due:
    """What is to be submitted now, where `next_due` has come."""
    timetable = Timetable.parse(timing.cron, timing.time_zone)
    until = now if timing.ends_at is None else min(now, timing.ends_at)
    most = MAX_CATCH_UP if catch_up is CatchUp.ALL else 1
    passed = timetable.newest(next_due, until, most)
    if catch_up is CatchUp.NONE:
        passed = [each for each in passed if now - each <= ON_TIME]
    return Due(tuple(passed), _first(timetable, timing, now))


def first_due(timing: Timing, now: datetime) -> datetime | None:
    """The first time after `now`, within `starts_at` and `ends_at`. InvalidCron, UnknownTimeZone."""
    return _first(Timetable.parse(timing.cron, timing.time_zone), timing, now)


def require_due(timing: Timing, now: datetime) -> datetime:
    """InvalidRequest for a schedule that never comes due."""
    found = first_due(timing, now)
    if found is None:
        raise InvalidRequest("It never comes due: `ends_at` is before the next time. Leave it out, or take a later one.")
    return found


def next_times(timing: Timing, now: datetime) -> tuple[datetime, ...]:
    """The next five, as a clock in the time zone shows them."""
    timetable = Timetable.parse(timing.cron, timing.time_zone)
    return tuple(preview(timetable, _behind(timing, now), timing.ends_at, PREVIEWED))


def _first(timetable: Timetable, timing: Timing, now: datetime) -> datetime | None:
    found = timetable.first_after(_behind(timing, now))
    return None if found is None or (timing.ends_at is not None and found > timing.ends_at) else found


def _behind(timing: Timing, now: datetime) -> datetime:
    """The moment after which due times count; `starts_at` itself may be one."""
    return now if timing.starts_at is None else max(now, timing.starts_at - timedelta(microseconds=1))
