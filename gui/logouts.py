"""Logouts, told to whoever else knows the session: Redis, and the coordinator's record.

The browser is out at once, and waits for nobody. What cannot be told now lies in the data folder and is told later, after a restart too.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
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
        for each in (folder.parent, folder):  # a mode is that of the last of several alone, and logins lie beside this folder
            each.mkdir(parents=True, exist_ok=True, mode=0o700)

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
        """Whether all are told. Who does not answer one is not asked for the next; the other still is."""
        waiting = [file for file in sorted(self._folder.glob("*.json")) if not self._is_over(file)]
        forgotten = await _as_long_as(self._forgotten, waiting)
        ended = await _as_long_as(self._told, waiting)
        for file in forgotten & ended:
            self._drop(file)
        return len(forgotten & ended) == len(waiting)

    def _is_over(self, file: Path) -> bool:
        """Then it is dropped: nobody needs to hear of it."""
        session = _read(file)
        if session is not None and datetime.now(UTC) - session.signed_in_at <= self._lasts:
            return False
        self._drop(file)
        return True

    def _drop(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        self._ended.discard(file.stem)

    async def _forgotten(self, file: Path) -> bool:
        return await self._remembered.forget(file.stem)

    async def _told(self, file: Path) -> bool:
        if file.stem not in self._ended and (session := _read(file)) is not None and not await self._end(session):
            return False
        self._ended.add(file.stem)
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


async def _as_long_as(answers: Callable[[Path], Awaitable[bool]], files: Sequence[Path]) -> set[Path]:
    """Those before the first that is not answered."""
    done = set[Path]()
    for file in files:
        if not await answers(file):
            break
        done.add(file)
    return done


def _read(file: Path) -> Session | None:
    try:
        return Session.model_validate_json(file.read_text())
    except (ValidationError, OSError):
        return None
