"""Certificates of a hive that runs for years: the hive's own are made anew in time, and the bus is told when those it has were changed.

API and dashboard look at the files by themselves (bus/web/renewal.py); nats-server reads them again when it is told to.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from bus.errors import HiveError
from bus.web.renewal import stamp
from deploy.local.certificates import Certificates

LOOK_SECONDS: Final = 600.0

Journal = Callable[[str, str], None]


async def keep_renewed(
    found: Certificates,
    renewed: Callable[[], Certificates | None],
    tell_bus: Callable[[], None],
    journal: Journal,
    seconds: float = LOOK_SECONDS,
) -> None:
    """Until cancelled. `renewed` blocks; it makes what has to be made anew, and looks at what is there: HiveError, OSError, ValueError."""
    held = stamp(found.certificate, found.key)
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(renewed)
        except (HiveError, OSError, ValueError) as error:
            journal("certificate_not_renewed", str(error))
            continue
        now = stamp(found.certificate, found.key)
        if now is not None and now != held:
            held = now
            tell_bus()
            journal("certificate_renewed", str(found.certificate))
