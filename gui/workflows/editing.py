"""One open canvas: its workflow is read, drawn upon and undone here; what else a person asks for there has rooms of its own."""

from asyncio import gather
from typing import Any
from uuid import UUID

from bus.auth import Permission
from bus.messages import EventType
from bus.messages.workflows import WorkflowChange
from gui.canvas.parts import WorkflowEditor
from gui.workflows.choosing import Choosing
from gui.workflows.draft import Draft, Kept, told_types
from gui.workflows.edits import read_edit
from gui.workflows.executing import Executing
from gui.workflows.filling import Filling
from gui.workflows.hearing import Hearing
from gui.workflows.office import Office
from gui.workflows.opened import Opened
from gui.workflows.pulse import Pulse
from gui.workflows.saving import Saving
from gui.workflows.understanding import understood
from gui.workflows.wiring import Handler, wire


class Editing:
    """The handlers of one page. What the browser asks for is done only where the person may do it."""

    def __init__(self, editor: WorkflowEditor, office: Office, hearing: Hearing, workflow_id: UUID) -> None:
        self._opened, self._hearing = Opened(editor, office, workflow_id), hearing
        self._pulse = Pulse(self._opened)
        self._base_url: str | None = None

    def wire(self) -> None:
        opened = self._opened
        saving = Saving(opened)
        handlers: dict[str, Handler] = {
            "ready": self._ready,
            "edit": self._edit,
            "undo": self._undo,
            "redo": self._redo,
            **saving.handlers(),
            **Executing(opened, saving).handlers(),
            **Filling(opened.editor, opened.office, lambda: opened.draft.types).handlers(),
            **Choosing(opened.editor, opened.office).handlers(),
            **self._pulse.handlers(),
        }
        wire(opened.editor, handlers)

    async def close(self) -> None:
        self._opened.following.leave()
        await self._hearing.detach(self._opened.id, self._hear)

    async def _ready(self, kept: Any) -> None:
        """Asked again by the browser until it succeeds, and after every loss of the connection."""
        opened = self._opened
        if opened.read is None:
            listed, record = await gather(opened.office.node_types(), opened.office.get(opened.id))
            types, self._base_url = {kind.name: kind for kind in listed.types}, listed.base_url
            draft = Draft(record, types)
            if kept:
                draft.resume(understood(Kept, kept))
            await self._hearing.attach(opened.id, self._hear, self._pulse.look)
            opened.read = draft
        opened.editor.tell("types", told_types(opened.draft.types, self._base_url))
        opened.show()

    def _hear(self, kind: EventType, change: WorkflowChange) -> None:
        self._opened.following.hear(kind, change)
        if kind is not EventType.WORKFLOW_NODE_COMPLETED:
            self._opened.editor.tell("told", {"id": str(change.execution_id), "status": change.status.value})

    async def _edit(self, given: Any) -> None:
        self._opened.require(Permission.WORKFLOWS_EDIT)
        try:
            self._opened.draft.edit(read_edit(given))
        finally:
            self._opened.show()  # also after a refusal: the browser may have drawn it already

    async def _undo(self, _: Any) -> None:
        self._opened.draft.history = self._opened.draft.history.undone()
        self._opened.show()

    async def _redo(self, _: Any) -> None:
        self._opened.draft.history = self._opened.draft.history.redone()
        self._opened.show()
