"""What a schedule does at a moment: how many tasks, of which due times, and when it is due again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from bus.errors import InvalidRequest
from bus.messages import CatchUp, CreateSchedule, Timing
from coordinator.schedules.schedule import MAX_CATCH_UP, Due, due, first_due, next_times, require_due, task_id_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURLY = Timing(cron="0 * * * *")
MOMENT = timedelta(seconds=0.4)
ALWAYS = pytest.mark.parametrize("catch_up", CatchUp)


@ALWAYS
def test_a_time_that_comes_due_while_somebody_leads_brings_one_task(catch_up: CatchUp) -> None:
    assert due(HOURLY, catch_up, NOON, NOON + MOMENT) == Due((NOON,), NOON + HOUR)
    assert due(HOURLY, catch_up, NOON, NOON) == Due((NOON,), NOON + HOUR)


@ALWAYS
def test_a_takeover_misses_nothing(catch_up: CatchUp) -> None:
    assert due(HOURLY, catch_up, NOON, NOON + timedelta(seconds=20)).times == (NOON,)


def test_of_times_that_were_missed_none_the_last_or_all_are_caught_up() -> None:
    """Nobody led from before nine until ten past twelve."""
    nine, now = NOON - 3 * HOUR, NOON + timedelta(minutes=10)
    assert due(HOURLY, CatchUp.NONE, nine, now) == Due((), NOON + HOUR)
    assert due(HOURLY, CatchUp.LAST, nine, now) == Due((NOON,), NOON + HOUR)
    assert due(HOURLY, CatchUp.ALL, nine, now) == Due((nine, nine + HOUR, nine + 2 * HOUR, NOON), NOON + HOUR)


def test_none_still_brings_the_time_that_comes_due_just_now() -> None:
    assert due(HOURLY, CatchUp.NONE, NOON - 3 * HOUR, NOON + MOMENT).times == (NOON,)


def test_all_is_bounded_and_the_newest_count() -> None:
    came = due(Timing(cron="* * * * *"), CatchUp.ALL, NOON - 30 * DAY, NOON)
    assert len(came.times) == MAX_CATCH_UP
    assert (came.times[-1], came.times[0]) == (NOON, NOON - (MAX_CATCH_UP - 1) * timedelta(minutes=1))


@ALWAYS
def test_what_ended_while_nobody_led_is_caught_up_to_its_end_and_is_over(catch_up: CatchUp) -> None:
    timing = Timing(cron="0 * * * *", ends_at=NOON - HOUR)
    came = due(timing, catch_up, NOON - 2 * HOUR, NOON + MOMENT)
    assert came.next_due is None
    assert (
        came.times
        == {
            CatchUp.NONE: (),
            CatchUp.LAST: (NOON - HOUR,),
            CatchUp.ALL: (NOON - 2 * HOUR, NOON - HOUR),
        }[catch_up]
    )


def test_start_and_end_may_be_due_times_themselves() -> None:
    timing = Timing(cron="0 * * * *", starts_at=NOON + 5 * HOUR, ends_at=NOON + 6 * HOUR)
    assert first_due(timing, NOON) == NOON + 5 * HOUR
    assert next_times(timing, NOON) == (NOON + 5 * HOUR, NOON + 6 * HOUR)
    assert first_due(timing, NOON + 5 * HOUR) == NOON + 6 * HOUR
    assert first_due(timing, NOON + 6 * HOUR) is None


def test_what_never_comes_due_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="It never comes due"):
        require_due(Timing(cron="0 * * * *", ends_at=NOON + timedelta(minutes=30)), NOON)
    with pytest.raises(ValidationError, match="before `starts_at`"):
        Timing(cron="0 * * * *", starts_at=NOON, ends_at=NOON - HOUR)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Timing.model_validate({"cron": "0 * * * *", "starts_at": "2026-11-23T12:00:00"})


def test_a_task_that_waits_for_another_cannot_stand_in_a_schedule() -> None:
    with pytest.raises(ValidationError, match="take out `depends_on`"):
        CreateSchedule.model_validate({"name": "a", "cron": "@daily", "task": {"prompt": "hi", "depends_on": [str(uuid4())]}})


def test_the_same_due_time_is_the_same_task_and_another_is_another() -> None:
    one, other = uuid4(), uuid4()
    ids = {task_id_of(schedule, at) for schedule in (one, other) for at in (NOON, NOON + HOUR) for _ in range(2)}
    assert len(ids) == 4
    assert task_id_of(UUID(int=1), NOON) == UUID(
        "12b4f8db-d85f-503c-8983-8c6a0c39e54b"
    )  # for ever: a takeover may be by another version


def test_the_next_times_are_five_in_the_schedule_s_own_zone() -> None:
    times = next_times(Timing(cron="30 7 * * 1-5", time_zone="Europe/Berlin"), NOON)
    assert [f"{at:%a %H:%M %z}" for at in times] == [f"{day} 07:30 +0100" for day in ("Tue", "Wed", "Thu", "Fri", "Mon")]
