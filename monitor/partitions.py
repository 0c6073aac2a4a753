"""Which partitions a table needs, and which it has outlived. Pure; bounds are midnights of UTC, so names say what is in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

AHEAD = 2
"""Partitions beyond the present one: a monitor that is away for as long as they last comes back to tables that take its rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A table that is cut by time. `back`: how old a row may be that is still written. `keep` None: for ever."""

    table: str
    width: timedelta
    back: timedelta
    keep: timedelta | None


@dataclass(frozen=True, slots=True)
class Partition:
    """`end` belongs to the next."""

    name: str
    begin: datetime
    end: datetime


def wanted(series: Series, now: datetime) -> list[Partition]:
    """From what may still be written to what is yet to come, in order."""
    first, last = _begin(series, now - series.back), _begin(series, now) + AHEAD * series.width
    return [_partition(series, first + number * series.width) for number in range((last - first) // series.width + 1)]


def expired(series: Series, names: Iterable[str], now: datetime) -> list[str]:
    """Those in which no row is young enough to be kept. A name that is not one of ours is nobody's to drop."""
    if series.keep is None:
        return []
    prefix, oldest = f"{series.table}_", now - series.keep
    return [name for name in names if (end := _end(series, name, prefix)) is not None and end <= oldest]


def _begin(series: Series, at: datetime) -> datetime:
    """Counted from the epoch, so that it is the same whoever asks when."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (at - epoch) // series.width * series.width


def _partition(series: Series, begin: datetime) -> Partition:
    return Partition(f"{series.table}_{begin:%Y%m%d}", begin, begin + series.width)


def _end(series: Series, name: str, prefix: str) -> datetime | None:
    try:
        begin = datetime.strptime(name.removeprefix(prefix), "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return begin + series.width
