"""Luxon's classes as expressions see them."""

from typing import Any

import pytest

from tests.unit.workflow.expressions.table import Row, agrees, rows

TABLE = rows(
    ("DateTime.fromISO('2024-02-29').toISODate()", "2024-02-29"),
    ("DateTime.fromISO('2024-02-30').isValid", False),
    ("DateTime.fromFormat('23-06-2019', 'dd-MM-yyyy').toISODate()", "2019-06-23"),
    ("DateTime.fromMillis(0).toUTC().toISO()", "1970-01-01T00:00:00.000Z"),
    ("DateTime.fromMillis(0).toISO()", "1970-01-01T01:00:00.000+01:00"),
    ("DateTime.fromSeconds(60).toMillis()", 60000),
    ("DateTime.fromSQL('2024-01-02 03:04:05').hour", 3),
    ("DateTime.fromHTTP('Sun, 06 Nov 1994 08:49:37 GMT').toUTC().hour", 8),
    ("DateTime.fromJSDate(new Date(0)).toMillis()", 0),
    ("DateTime.fromObject({year: 2024, month: 5}).toISODate()", "2024-05-01"),
    ("DateTime.utc(2024, 1, 1).zoneName", "UTC"),
    ("DateTime.local(2024, 1, 1).zoneName", "Europe/Berlin"),
    ("DateTime.max(DateTime.utc(2024), DateTime.utc(2025)).year", 2025),
    ("DateTime.fromISO('2024-01-01').daysInMonth", 31),
    ("DateTime.fromISO('2024-01-01').isInLeapYear", True),
    ("DateTime.fromISO('2024-03-01').ordinal", 61),
    ("DateTime.fromISO('2024-01-05').diff(DateTime.fromISO('2024-01-01'), 'days').days", 4),
    ("DateTime.fromISO('2024-01-05').diff(DateTime.fromISO('2024-01-01'), 'days').toObject()", {"days": 4}),
    ("DateTime.fromISO('2024-01-05') > DateTime.fromISO('2024-01-01')", True),
    ("DateTime.fromISO('2024-01-05').toISOWeekDate()", "2024-W01-5"),
    ("DateTime.fromISO('2024-01-05T10:00').toISOTime({suppressMilliseconds: true, includeOffset: false})", "10:00:00"),
    (
        "DateTime.fromISO('2024-01-05').toObject()",
        {"year": 2024, "month": 1, "day": 5, "hour": 0, "minute": 0, "second": 0, "millisecond": 0},
    ),
    ("Duration.fromObject({hours: 1, minutes: 30}).as('minutes')", 90),
    ("Duration.fromObject({minutes: 90}).shiftTo('hours', 'minutes').toObject()", {"hours": 1, "minutes": 30}),
    ("Duration.fromISO('P1DT2H').as('hours')", 26),
    ("Duration.fromMillis(65000).toFormat('m:ss')", "1:05"),
    ("Duration.fromObject({days: 1}).toISO()", "P1D"),
    ("Duration.fromObject({days: 1})", "P1D"),
    ("Interval.fromISO('2024-01-01/2024-01-03').length('days')", 2),
    ("Interval.fromISO('2024-01-01/2024-01-03').contains(DateTime.fromISO('2024-01-02'))", True),
    ("Interval.fromDateTimes(DateTime.utc(2024, 1, 1), DateTime.utc(2024, 1, 3)).splitBy({days: 1}).length", 2),
    ("Settings.defaultZone.name", "Europe/Berlin"),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.expression[:60])
def test_it_gives(look: Any, row: Row) -> None:
    found = look(TABLE)[row.expression, row.item]
    assert agrees(found, row), f"{row.expression} gave {found!r}, not {row.expected}"
