"""The hour by which a leader judges deadlines: PostgreSQL's when the term began, and the seconds since.

A host's clock may be set while it leads, and an hour on would end whatever runs for being late. Nor does it matter by which host's
clock a deadline was made: the next leader goes on by PostgreSQL's too.

That clock may be wrong when a term begins, as on machines that have just started and that NTP puts right a moment later; then `not_before`
and `deadline`, which people name by theirs, would be missed for as long as the term lasts. So the hour is set again while it harms nobody:
in a moment in which no task waits, runs or depends.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_SINCE_BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, as macOS's monotonic clock does and Linux's does not."""


APART: Final = timedelta(seconds=1)


def host_time() -> datetime:
    return datetime.now(UTC)


def _seconds() -> float:
    return time.clock_gettime(_SINCE_BOOT)


def apart(one: datetime, other: datetime) -> bool:
    """Whether more than reading a clock from afar explains."""
    return abs(one - other) > APART


def steady_time(began: datetime, seconds: Callable[[], float] = _seconds) -> Callable[[], datetime]:
    """From `began`, which is now, on."""
    began_at = seconds()
    return lambda: began + timedelta(seconds=seconds() - began_at)
