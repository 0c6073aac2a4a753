"""Logouts, told to whoever else knows the session: Redis, and the coordinator's record.

The browser is out at once, and waits for nobody. What cannot be told now lies in the data folder and is told later, after a restart too.
"""

import asyncio
import os
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
        self._begun = asyncio.Event()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def begin(self, browser: str, session: Session) -> None:
        """Of a browser (hashed) that has just been logged out."""
        descriptor = os.open(self._folder / f"{browser}.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(session.model_dump_json())
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
        """Whether all are told. Who does not answer one is not asked for the next."""
        for file in sorted(self._folder.glob("*.json")):
            session = _read(file)
            over = session is None or datetime.now(UTC) - session.signed_in_at > self._lasts
            if session is not None and not over and not await self._told(file.stem, session):
                return False
            file.unlink(missing_ok=True)
            self._ended.discard(file.stem)
        return True

    async def _told(self, browser: str, session: Session) -> bool:
        """Redis is asked whether or not the record answers."""
        forgotten = await self._remembered.forget(browser)
        if browser not in self._ended and await self._end(session):
            self._ended.add(browser)
        return forgotten and browser in self._ended

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


def _read(file: Path) -> Session | None:
    try:
        return Session.model_validate_json(file.read_text())
    except (ValidationError, OSError):
        return None
