"""When a cron expression comes due, in a time zone: pure, by cronsim.

cronsim is what Healthchecks and Sentry run: kept, small, and true to Debian's cron where clocks change. (croniter was given up once.)

- A fixed time (`30 2 * * *`) that the clocks skip comes due at the first minute after the gap, once.
- A fixed time that the clocks bring twice comes due the first time only.
- What is due every hour or every few minutes (`0 * * * *`, `*/15 * * * *`) goes by time as it passes: every hour, also then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Final, Self
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from bus.errors import InvalidCron, UnknownTimeZone

FIELDS: Final = ("minute", "hour", "day-of-month", "month", "day-of-week")
MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EXAMPLE: Final = "`30 7 * * 1-5` is half past seven from Monday to Friday"
_MINUTE: Final = timedelta(minutes=1)
_FIRST_WINDOW: Final = timedelta(hours=1)
_ANY_TIME: Final = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The due times of an expression. Every time that goes in or comes out is aware; what comes out is in UTC."""

    expression: str
    zone: ZoneInfo

    @classmethod
    def parse(cls, cron: str, time_zone: str) -> Self:
        """InvalidCron and UnknownTimeZone, which say what is wrong."""
        expression = MACROS.get(cron.strip().lower(), cron)
        _check(expression)
        return cls(expression, _zone(time_zone))

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Every due time later than `moment`, for the fifty years that cronsim looks ahead between two of them."""
        last = moment
        # A minute earlier, since cronsim begins behind what it is given, and an hour that comes twice may set it back.
        for due in CronSim(self.expression, (moment - _MINUTE).astimezone(self.zone)):
            if (found := due.astimezone(UTC)) > last:
                last = found
                yield found

    def first_after(self, moment: datetime) -> datetime | None:
        return next(self.after(moment), None)

    def newest(self, since: datetime, until: datetime, most: int) -> list[datetime]:
        """The last `most` due times from `since` to `until`, both included, oldest first.

        Looked for from the end in windows that double, so that a schedule of every minute costs no more after a year than after an hour.
        """
        window = _FIRST_WINDOW
        while True:
            start = max(since, until - window)
            found = list(self._between(start, until))
            if start == since or len(found) >= most:
                return found[-most:]
            window *= 2

    def _between(self, since: datetime, until: datetime) -> Iterator[datetime]:
        for due in self.after(since - timedelta(microseconds=1)):
            if due > until:
                return
            yield due


def preview(timetable: Timetable, after: datetime, until: datetime | None, most: int) -> list[datetime]:
    """The next due times, as a clock in the time zone shows them."""
    found = islice(timetable.after(after), most)
    return [due.astimezone(timetable.zone) for due in found if until is None or due <= until]


def _check(expression: str) -> None:
    parts = expression.split()
    if expression.strip().startswith("@"):
        raise InvalidCron(f"{expression.strip()!r} is no name of a schedule. There are {', '.join(MACROS)}.")
    if len(parts) != len(FIELDS):
        seconds = " Seconds cannot be given: once a minute is the most." if len(parts) == len(FIELDS) + 1 else ""
        raise InvalidCron(f"It has {len(parts)} fields and needs five: {', '.join(FIELDS)}.{seconds} For example, {_EXAMPLE}.")
    try:
        first = next(CronSim(expression, _ANY_TIME), None)
    except CronSimError as error:
        raise InvalidCron(_blame(str(error), parts)) from None
    if first is None:
        raise InvalidCron(f"{expression!r} names no day that ever comes.")


def _blame(error: str, parts: list[str]) -> str:
    """cronsim's `Bad minute`, with the field as it was written."""
    field = error.removeprefix("Bad ")
    if field not in FIELDS:
        return f"It cannot be understood: {error}. For example, {_EXAMPLE}."
    return f"The field {field}, {parts[FIELDS.index(field)]!r}, is not one that cron knows. For example, {_EXAMPLE}."


def _zone(name: str) -> ZoneInfo:
    if name not in _zones():
        raise UnknownTimeZone(
            f"There is no time zone {name!r}. Take a name of the IANA database, such as UTC or Europe/Berlin."
        )
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    """Names as they are listed: ZoneInfo itself would read any file of that path."""
    return frozenset(available_timezones())
