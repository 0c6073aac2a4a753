"""Whether the engine is there while somebody draws, and whether somebody else has saved meanwhile.

Engines tell of each save; only then its versions are read. An open editor asks now and then for the least that an engine and its database
have to be there for.
"""

from typing import Any

from bus.errors import HiveError
from bus.messages.workflows import ListExecutions
from gui.workflows.opened import Opened
from gui.workflows.wiring import Handler


class Pulse:
    """What the draft is made of is the browser's to compare with what is newest."""

    def __init__(self, opened: Opened) -> None:
        self._opened, self._silent = opened, False

    def handlers(self) -> dict[str, Handler]:
        return {"pulse": self._pulse}

    async def _pulse(self, _: Any) -> None:
        """Where the engine was away what it told meanwhile may have been missed, so that it is asked once it is back."""
        try:
            await self._opened.office.executions(ListExecutions(workflow_id=self._opened.id, limit=1))
        except HiveError as error:
            self._tell_silent(error)
            return
        if self._silent:
            await self.look()

    async def look(self) -> None:
        """Somebody saved, or deleted, the workflow."""
        if self._opened.saving:
            return  # who saves is told by the engine's answer
        try:
            newest = (await self._opened.office.versions(self._opened.id)).versions[0]
        except HiveError as error:
            self._tell_silent(error)
            return
        self._silent = False
        self._opened.editor.tell("newest", {"version": newest.version, "by": newest.created_by})

    def _tell_silent(self, error: HiveError) -> None:
        self._silent = True
        self._opened.editor.tell("silent", {"code": error.code, "message": error.message})
