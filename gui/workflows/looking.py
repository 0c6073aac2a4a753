"""One execution on its own page: the document that it ran, and how its nodes did."""

from typing import Any
from uuid import UUID

from bus.messages import EventType
from bus.messages.node_types import NodeTypeRecord
from bus.messages.workflows import WorkflowChange
from gui.canvas.parts import WorkflowEditor
from gui.workflows.document import links_of
from gui.workflows.draft import shown, told_types
from gui.workflows.executing import Wanted
from gui.workflows.filling import Filling
from gui.workflows.following import Following
from gui.workflows.hearing import Hearing
from gui.workflows.office import Office
from gui.workflows.previews import PreviewTeller
from gui.workflows.understanding import understood
from gui.workflows.wiring import Handler, wire


class Looking:
    """The handlers of the page. It changes nothing but by stopping, and by trying again."""

    def __init__(self, editor: WorkflowEditor, office: Office, hearing: Hearing, execution_id: UUID) -> None:
        self._editor, self._office, self._hearing, self._id = editor, office, hearing, execution_id
        self._following = Following(office, editor.tell)
        self._previews = PreviewTeller(office, editor.tell)
        self._document: dict[str, Any] = {}
        self._workflow_id: UUID | None = None
        self._types: dict[str, NodeTypeRecord] = {}

    def wire(self) -> None:
        handlers: dict[str, Handler] = {
            "ready": self._ready,
            "items": self._items,
            "stop": self._stop,
            "retry": self._retry,
            "preview": self._preview,
            **Filling(self._editor, self._office, lambda: self._types).handlers(),
        }
        wire(self._editor, handlers)

    async def close(self) -> None:
        self._following.leave()
        if self._workflow_id is not None:
            await self._hearing.detach(self._workflow_id, self._hear)

    async def _ready(self, _: Any) -> None:
        record = await self._office.execution(self._id)
        listed = await self._office.node_types()
        self._types = types = {kind.name: kind for kind in listed.types}
        document: dict[str, Any] = {"nodes": [], "connections": {}}
        if record.workflow_id is not None:
            document = (await self._office.version(record.workflow_id, record.workflow_version)).n8n_data
            if self._workflow_id is None:
                await self._hearing.attach(record.workflow_id, self._hear)
                self._workflow_id = record.workflow_id
        self._document = document
        about = {"name": record.workflow_name or "A workflow that was deleted", "version": record.workflow_version}
        self._editor.tell("types", told_types(types, listed.base_url))
        self._editor.tell("view", {**shown(document, types), **about, "workflow": str(record.workflow_id or "")})
        self._following.begin(self._id)
        self._following.watch()

    def _hear(self, kind: EventType, change: WorkflowChange) -> None:
        self._following.hear(kind, change)

    async def _items(self, given: Any) -> None:
        self._editor.tell("items", self._following.items(**understood(Wanted, given).model_dump()))

    async def _preview(self, given: Any) -> None:
        await self._previews.show(given, links_of(self._document), self._id, None)

    async def _stop(self, _: Any) -> None:
        await self._office.stop(self._id)

    async def _retry(self, node: Any) -> None:
        made = await self._office.retry(self._id, str(node) if node else None)
        self._editor.tell("go", {"to": f"/executions/{made.id}"})
