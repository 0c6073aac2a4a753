"""Whether the engine is there while somebody draws, and whether somebody else has saved meanwhile: asked by an open editor now and then."""

from typing import Any
from uuid import UUID

from bus.errors import HiveError
from gui.canvas.parts import WorkflowEditor
from gui.workflows.office import Office
from gui.workflows.wiring import Handler


class Pulse:
    """Versions alone are asked for: the document may be large. What the draft is made of is the browser's to compare."""

    def __init__(self, editor: WorkflowEditor, office: Office, workflow_id: UUID) -> None:
        self._editor, self._office, self._id = editor, office, workflow_id

    def handlers(self) -> dict[str, Handler]:
        return {"pulse": self._pulse}

    async def _pulse(self, _: Any) -> None:
        try:
            newest = (await self._office.versions(self._id)).versions[0]
        except HiveError as error:
            self._editor.tell("silent", {"code": error.code, "message": error.message})
            return
        self._editor.tell("newest", {"version": newest.version, "by": newest.created_by})
