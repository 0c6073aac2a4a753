"""The questions of an open page, answered in the name of whoever is signed in."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from nicegui.events import GenericEventArguments

from bus import telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import Claims, FailureInfo
from gui import asks
from gui.counted import Take
from gui.elements.parts import Live
from gui.pages import way_in
from gui.pages.answers import Answers

logger = telemetry.log(__name__)

MOST_AT_ONCE = 16
"""Questions of one page that are open together; a page asks a handful."""
MOST_FOLLOWED = 4


class Line:
    """`claims` gives None once the login no longer holds: the page is then shown out, and nothing is asked."""

    def __init__(self, live: Live, bus: Bus, claims: Callable[[], Claims | None], answers: Answers, take: Take) -> None:
        self._live, self._bus, self._claims, self._answers, self._take = live, bus, claims, answers, take
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def wire(self) -> None:
        self._live.on("ask", self._ask)
        self._live.on("follow", self._follow)

    async def _ask(self, event: GenericEventArguments) -> None:
        asked: dict[str, Any] = event.args if isinstance(event.args, dict) else {}
        ref = str(asked.get("ref"))[:40]
        claims = self._claims()
        if claims is None:
            self._live.client.open(way_in.login_from(self._live.client))
            return
        async with self._room:
            try:
                found = await asks.ask(self._bus, claims, asked.get("verb"), asked.get("body") or {}, self._take)
            except HiveError as error:
                failure = FailureInfo(code=error.code, message=error.message)
                self._live.call("settled", ref, None, failure)
                return
        self._live.call("settled", ref, found.model_dump(mode="json"), None)

    def _follow(self, event: GenericEventArguments) -> None:
        """Whose output the page shows from now on; the rest is let go."""
        wanted = event.args if isinstance(event.args, list) else []
        self._answers.keep([task_id for value in wanted[:MOST_FOLLOWED] if (task_id := _task_id(value))])


def _task_id(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
