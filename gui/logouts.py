"""Logouts, told to whoever else knows the session: Redis, and the coordinator's record.

The browser is out at once, and waits for nobody. What cannot be told now lies in the data folder and is told later, after a restart too.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import NoReply
from bus.messages.people import EndSession
from gui.remembered import Remembered
from gui.sessions import Session

logger = telemetry.log(__name__)

FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0
"""Until the next try: twice as long each time, this at most."""
ASK_SECONDS: Final = 10.0
"""As an order: it may wait for the audit log's next leader."""


class Logouts:
    """`folder`: of those that are yet to be told, one file a browser. `lasts`: a login, which then ends by itself."""

    def __init__(self, bus: Bus, remembered: Remembered, folder: Path, lasts: timedelta) -> None:
        self._bus, self._remembered, self._folder, self._lasts = bus, remembered, folder, lasts
        self._ended: set[str] = set()
        """Browsers whose session the record has ended, while Redis is still to be told: each order is audited."""
        self._unkept: dict[str, Session] = {}
        """What could not be written down, for as long as this process lives."""
        self._begun = asyncio.Event()
        for each in (folder.parent, folder):  # a mode is that of the last of several alone, and logins lie beside this folder
            each.mkdir(parents=True, exist_ok=True, mode=0o700)

    def begin(self, browser: str, session: Session) -> None:
        """Of a browser (hashed) that has just been logged out."""
        try:
            descriptor = os.open(self._file(browser), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(session.model_dump_json())
        except OSError as error:  # as of a full disk
            logger.warning("logout_not_kept", reason=str(error))
            self._unkept[browser] = session
        self._begun.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        pause = FIRST_SECONDS
        while True:
            self._begun.clear()
            if await self.tell():
                await self._begun.wait()
                pause = FIRST_SECONDS
            else:
                await asyncio.sleep(pause)
                pause = min(MOST_SECONDS, pause * 2)

    async def tell(self) -> bool:
        """Whether all are told. Who does not answer one is not asked for the next; the other still is."""
        waiting = self._waiting()
        forgotten = await _as_long_as(self._remembered.forget, waiting)
        ended = await _as_long_as(lambda browser: self._told(browser, waiting[browser]), waiting)
        for browser in forgotten & ended:
            self._drop(browser)
        return len(forgotten & ended) == len(waiting)

    def _waiting(self) -> dict[str, Session]:
        """By browser. Of those that are over by themselves nobody needs to hear."""
        found = {file.stem: _read(file) for file in sorted(self._folder.glob("*.json"))} | self._unkept
        since = datetime.now(UTC) - self._lasts
        waiting = {
            browser: session for browser, session in found.items() if session is not None and session.signed_in_at >= since
        }
        for browser in found.keys() - waiting.keys():
            self._drop(browser)
        return waiting

    def _drop(self, browser: str) -> None:
        self._file(browser).unlink(missing_ok=True)
        self._unkept.pop(browser, None)
        self._ended.discard(browser)

    def _file(self, browser: str) -> Path:
        return self._folder / f"{browser}.json"

    async def _told(self, browser: str, session: Session) -> bool:
        if browser not in self._ended and not await self._end(session):
            return False
        self._ended.add(browser)
        return True

    async def _end(self, session: Session) -> bool:
        """In the record, which knows sessions of users alone."""
        if session.claims.session_id is None:
            return True
        ending = EndSession(session_id=session.claims.session_id)
        verb = subjects.service_verb(subjects.SERVICE_SESSIONS, "logout")
        try:
            await self._bus.request(verb, ending, NoReply, claims=session.claims, timeout=ASK_SECONDS)
        except HiveError as error:
            logger.warning(
                "logout_not_told", session_id=str(ending.session_id), code=error.code, again=error.http_status >= 500
            )
            return error.http_status < 500
        return True


async def _as_long_as(answers: Callable[[str], Awaitable[bool]], browsers: Iterable[str]) -> set[str]:
    """Those before the first that is not answered."""
    done = set[str]()
    for browser in browsers:
        if not await answers(browser):
            break
        done.add(browser)
    return done


def _read(file: Path) -> Session | None:
    try:
        return Session.model_validate_json(file.read_text())
    except (ValidationError, OSError):
        return None
