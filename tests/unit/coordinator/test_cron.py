"""When a cron expression comes due: as cron does it, on the days on which clocks change as well."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import InvalidCron, UnknownTimeZone
from coordinator.schedules.cron import MACROS, Timetable, preview

BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def shown(cron: str, after: datetime, count: int, zone: str = "Europe/Berlin") -> list[str]:
    times = preview(Timetable.parse(cron, zone), after, None, count)
    return [f"{due:%d %H:%M %z}" for due in times]


def test_the_next_times_are_those_of_a_clock_in_the_time_zone() -> None:
    assert shown("30 7 * * 1-5", local("2026-11-27T07:30"), 2) == ["30 07:30 +0100", "01 07:30 +0100"]
    assert shown("30 7 * * 1-5", local("2026-11-27T07:29:59"), 1) == ["27 07:30 +0100"]


# In Germany the clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October 2026.


def test_a_fixed_time_that_the_clocks_skip_comes_due_after_the_gap_and_once() -> None:
    before = local("2026-03-28T12:00")
    assert shown("30 2 * * *", before, 2) == ["29 03:00 +0200", "30 02:30 +0200"]
    assert shown("0,30 2 * * *", before, 2) == ["29 03:00 +0200", "30 02:00 +0200"]
    assert shown("30 2 * * *", local("2026-03-29T03:00:30"), 1) == ["30 02:30 +0200"]
    assert shown("30 2,3 * * *", before, 3) == ["29 03:00 +0200", "29 03:30 +0200", "30 02:30 +0200"]


def test_midnight_that_the_clocks_skip_comes_due_after_the_gap() -> None:
    """In Cairo they go from 00:00 to 01:00."""
    assert shown("@daily", local("2026-04-23T12:00", "Africa/Cairo"), 2, "Africa/Cairo") == ["24 01:00 +0300", "25 00:00 +0300"]


def test_a_fixed_time_that_comes_twice_comes_due_the_first_time_only() -> None:
    assert shown("30 2 * * *", local("2026-10-24T12:00"), 2) == ["25 02:30 +0200", "26 02:30 +0100"]
    for moment in (local("2026-10-25T02:45"), local("2026-10-25T02:15", fold=1), local("2026-10-25T02:45", fold=1)):
        assert shown("30 2 * * *", moment, 1) == ["26 02:30 +0100"]


def test_what_is_due_every_hour_is_due_every_hour_when_the_clocks_change_too() -> None:
    assert shown("0 * * * *", local("2026-03-29T00:30"), 3) == ["29 01:00 +0100", "29 03:00 +0200", "29 04:00 +0200"]
    twice = ["25 02:00 +0200", "25 02:00 +0100", "25 03:00 +0100"]
    assert shown("0 * * * *", local("2026-10-25T01:30"), 3) == twice


@pytest.mark.parametrize(("name", "expression"), MACROS.items())
def test_a_name_is_the_expression_that_it_stands_for(name: str, expression: str) -> None:
    after = local("2026-01-01T00:00")
    assert shown(name.upper(), after, 2) == shown(expression, after, 2)


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("", "It has 0 fields and needs five"),
        ("* * * *", "It has 4 fields and needs five: minute, hour, day-of-month, month, day-of-week"),
        ("* * * * * *", "Seconds cannot be given"),
        ("60 * * * *", "The field minute, '60'"),
        ("0 24 * * *", "The field hour, '24'"),
        ("0 0 32 * *", "The field day-of-month, '32'"),
        ("0 0 1 Foo *", "The field month, 'Foo'"),
        ("0 0 * * 8", "The field day-of-week, '8'"),
        ("*/0 * * * *", "The field minute, '*/0'"),
        ("5-1 * * * *", "The field minute, '5-1'"),
        ("0 0 30 2 *", "The field day-of-month, '30'"),
        ("@often", "'@often' is no name of a schedule. There are @yearly"),
        ("0 0 30,31 2 */2", "The field day-of-month, '30,31'"),
    ],
)
def test_what_is_wrong_with_an_expression_is_named(cron: str, said: str) -> None:
    with pytest.raises(InvalidCron) as refused:
        Timetable.parse(cron, "UTC")
    assert said in refused.value.message


@pytest.mark.parametrize("zone", ["", "Berlin", "Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_a_time_zone_is_one_that_has_a_name(zone: str) -> None:
    with pytest.raises(UnknownTimeZone):
        Timetable.parse("* * * * *", zone)


def test_what_comes_due_only_on_a_day_that_is_rare_is_found() -> None:
    assert shown("0 0 29 2 *", local("2096-03-01T00:00"), 1) == ["29 00:00 +0100"]
    assert Timetable.parse("0 0 29 2 MON", "UTC").first_after(datetime(2026, 1, 1, tzinfo=UTC)) is not None


def test_the_newest_times_of_a_long_while_are_found_without_counting_them_all() -> None:
    until = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)
    every_minute, began = Timetable.parse("* * * * *", "UTC"), perf_counter()
    found = every_minute.newest(until - timedelta(days=3650), until, 3)
    assert [due.minute for due in found] == [58, 59, 0]
    assert perf_counter() - began < 1  # five million of them would take minutes


def test_the_newest_times_include_both_ends_and_no_more() -> None:
    timetable, noon = Timetable.parse("0 * * * *", "UTC"), datetime(2026, 11, 23, 12, tzinfo=UTC)
    hours = [noon - timedelta(hours=left) for left in (2, 1, 0)]
    assert timetable.newest(hours[0], noon, 10) == hours
    assert timetable.newest(hours[0] + timedelta(seconds=1), noon, 10) == hours[1:]
    assert timetable.newest(noon + timedelta(seconds=1), noon + timedelta(minutes=2), 10) == []


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"])
CRONS = st.sampled_from(
    ["* * * * *", "*/7 * * * *", "0 * * * *", "30 2 * * *", "15,45 1-3 * * *", "*/20 2 * * *", "0 0 * * 0", "@monthly"]
)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@settings(max_examples=60)
@given(cron=CRONS, zone=ZONES, moment=MOMENTS)
def test_times_grow_and_each_is_found_from_just_before_it(cron: str, zone: str, moment: datetime) -> None:
    """However it is asked: what comes next does not depend on where the counting began, so that no two leaders differ."""
    timetable = Timetable.parse(cron, zone)
    times = list(islice(timetable.after(moment), 6))
    assert len(times) == 6
    for earlier, later in zip([moment, *times], times, strict=False):
        assert earlier < later
        assert timetable.first_after(earlier) == later
        assert timetable.first_after(later - timedelta(microseconds=1)) == later
        assert later.second == later.microsecond == 0
    assert timetable.newest(times[0], times[-1], 6) == times
