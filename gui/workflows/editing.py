"""One open canvas: what a person asks for there, done to the draft or on the bus, and told back."""

from asyncio import gather
from typing import Any, Final
from uuid import UUID, uuid4

from bus import telemetry
from bus.auth import Permission, require
from bus.errors import Conflict, HiveError, InvalidRequest
from bus.messages import EventType, Message
from bus.messages.workflows import ListExecutions, WorkflowChange, WorkflowRecord
from gui.canvas.parts import WorkflowEditor
from gui.workflows.choosing import Choosing
from gui.workflows.difference import differences, merged
from gui.workflows.document import links_of
from gui.workflows.draft import Draft, Kept, told_types
from gui.workflows.edits import Pin, read_edit
from gui.workflows.following import Following
from gui.workflows.hearing import Hearing
from gui.workflows.office import Office
from gui.workflows.previews import PreviewTeller
from gui.workflows.pulse import Pulse
from gui.workflows.understanding import understood
from gui.workflows.wiring import Handler, wire

logger = telemetry.log(__name__)

EXECUTIONS: Final = 30


class Wanted(Message):
    """A page of items."""

    node: str
    side: str = "output"
    run: int = -1
    choice: int = 0
    offset: int = 0


class Editing:
    """The handlers of one page. What the browser asks for is done only where the person may do it."""

    def __init__(self, editor: WorkflowEditor, office: Office, hearing: Hearing, workflow_id: UUID) -> None:
        self._editor, self._office, self._hearing, self._id = editor, office, hearing, workflow_id
        self._following = Following(office, editor.tell)
        self._previews = PreviewTeller(office, editor.tell)
        self._draft: Draft | None = None
        self._base_url: str | None = None
        self._meanwhile: tuple[WorkflowRecord, dict[str, Any]] | None = None

    def wire(self) -> None:
        handlers: dict[str, Handler] = {
            "ready": self._ready,
            "edit": self._edit,
            "undo": self._undo,
            "redo": self._redo,
            "save": self._save,
            "settle": self._settle,
            "discard": self._discard,
            "activate": self._activate,
            "run": self._run,
            "stop": self._stop,
            "retry": self._retry,
            "items": self._items,
            "pin": self._pin,
            "executions": self._executions,
            "execution": self._execution,
            "leave": self._leave,
            "versions": self._versions,
            "compare": self._compare,
            "restore": self._restore,
            "preview": self._preview,
            **Choosing(self._editor, self._office).handlers(),
            **Pulse(self._editor, self._office, self._id).handlers(),
        }
        wire(self._editor, handlers)

    async def close(self) -> None:
        self._following.leave()
        await self._hearing.detach(self._id, self._hear)

    @property
    def draft(self) -> Draft:
        if self._draft is None:
            raise InvalidRequest("The workflow has not been read yet.")
        return self._draft

    def _show(self) -> None:
        self._editor.tell("view", self.draft.view())

    async def _ready(self, kept: Any) -> None:
        """Asked again by the browser until it succeeds, and after every loss of the connection."""
        if self._draft is None:
            listed, record = await gather(self._office.node_types(), self._office.get(self._id))
            types, self._base_url = {kind.name: kind for kind in listed.types}, listed.base_url
            draft = Draft(record, types)
            if kept:
                draft.resume(understood(Kept, kept))
            await self._hearing.attach(self._id, self._hear)
            self._draft = draft
        self._editor.tell("types", told_types(self.draft.types, self._base_url))
        self._show()

    def _hear(self, kind: EventType, change: WorkflowChange) -> None:
        self._following.hear(kind, change)
        if kind is not EventType.WORKFLOW_NODE_COMPLETED:
            self._editor.tell("told", {"id": str(change.execution_id), "status": change.status.value})

    def _require(self, permission: Permission) -> None:
        require(self._office.claims, permission)

    async def _edit(self, given: Any) -> None:
        self._require(Permission.WORKFLOWS_EDIT)
        try:
            self.draft.edit(read_edit(given))
        finally:
            self._show()  # also after a refusal: the browser may have drawn it already

    async def _undo(self, _: Any) -> None:
        self.draft.history = self.draft.history.undone()
        self._show()

    async def _redo(self, _: Any) -> None:
        self.draft.history = self.draft.history.redone()
        self._show()

    async def _discard(self, _: Any) -> None:
        """Back to what the engine has; the draft can be had again by undo."""
        self.draft.take(await self._office.get(self._id))
        self.draft.replace(self.draft.saved)
        self._show()

    async def _save(self, _: Any) -> None:
        await self._saved()

    async def _saved(self) -> bool:
        """Whether the engine has the draft now; not where somebody else saved meanwhile, which the page is told."""
        draft = self.draft
        if not draft.dirty and draft.version == draft.record.version:
            return True
        try:
            draft.take(await self._office.save(self._id, draft.document, draft.name, draft.version))
        except Conflict:
            await self._tell_conflict()
            return False
        draft.replace({**draft.document, "name": draft.record.name})
        self._editor.tell("saved", {"version": draft.version})
        self._show()
        return True

    async def _tell_conflict(self) -> None:
        draft = self.draft
        theirs = await self._office.get(self._id)
        before = (await self._office.version(self._id, draft.version)).n8n_data
        versions = (await self._office.versions(self._id)).versions
        there = {**(theirs.n8n_data or {}), "name": theirs.name}
        before = {**before, "name": draft.saved.get("name", theirs.name)} if "name" not in before else before
        both, clashes = merged(before, draft.document, there)
        self._meanwhile = theirs, both
        by = next((each.created_by for each in versions if each.version == theirs.version), "somebody")
        self._editor.tell(
            "conflict",
            {
                "version": theirs.version,
                "by": by,
                "theirs": [each.model_dump() for each in differences(before, there)],
                "mine": [each.model_dump() for each in differences(before, draft.document)],
                "clashes": clashes,
            },
        )

    async def _settle(self, way: Any) -> None:
        """`merge`, `theirs` or `mine`: what the draft is now, on top of what the other saved. Nothing is stored by it."""
        if self._meanwhile is None:
            return
        theirs, both = self._meanwhile
        self._meanwhile = None
        self.draft.take(theirs)
        if way != "mine":
            self.draft.replace(both if way == "merge" else self.draft.saved)
        self._show()

    async def _activate(self, active: Any) -> None:
        if not await self._saved():
            return
        self.draft.record = await self._office.activate(self._id, bool(active))
        self._show()

    async def _run(self, destination: Any) -> None:
        """What is on the canvas: it is saved before."""
        if not await self._saved():
            return
        execution_id = uuid4()
        self._following.begin(execution_id)
        try:
            await self._office.execute(self._id, execution_id, str(destination) if destination else None)
        except HiveError:
            self._following.leave()
            self._editor.tell("left")
            raise
        self._following.watch()

    async def _stop(self, _: Any) -> None:
        if self._following.execution_id is not None:
            await self._office.stop(self._following.execution_id)

    async def _retry(self, node: Any) -> None:
        if self._following.execution_id is None or not await self._saved():
            return
        made = await self._office.retry(self._following.execution_id, str(node) if node else None)
        self._following.begin(made.id)
        self._following.watch()

    async def _items(self, given: Any) -> None:
        wanted = understood(Wanted, given)
        self._editor.tell("items", self._following.items(**wanted.model_dump()))

    async def _pin(self, node: Any) -> None:
        self._require(Permission.WORKFLOWS_EDIT)
        self.draft.edit(Pin(kind="pin", name=str(node), items=tuple(self._following.output_of(str(node)))))
        self._show()

    async def _executions(self, cursor: Any) -> None:
        query = ListExecutions(workflow_id=self._id, limit=EXECUTIONS, cursor=str(cursor) if cursor else None)
        found = await self._office.executions(query)
        self._editor.tell("executions", {**found.model_dump(mode="json"), "more": bool(cursor)})

    async def _execution(self, execution_id: Any) -> None:
        self._following.begin(_id(execution_id))
        self._following.watch()

    async def _leave(self, _: Any) -> None:
        self._following.leave()

    async def _versions(self, _: Any) -> None:
        self._editor.tell("versions", await self._office.versions(self._id))

    async def _compare(self, version: Any) -> None:
        """What the draft would change if it became this version again."""
        found = await self._office.version(self._id, _number(version))
        changes = differences({**found.n8n_data, "name": found.name}, self.draft.document)
        self._editor.tell("compared", {"version": found.version, "changes": [each.model_dump() for each in changes]})

    async def _preview(self, given: Any) -> None:
        links = links_of(self.draft.document)
        await self._previews.show(given, links, self._following.execution_id, self._id)

    async def _restore(self, version: Any) -> None:
        """Into the draft: nothing is stored until it is saved."""
        self._require(Permission.WORKFLOWS_EDIT)
        found = await self._office.version(self._id, _number(version))
        self.draft.replace({**found.n8n_data, "name": found.name})
        self._show()


def _id(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidRequest("This is not an execution's id.") from None


def _number(value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise InvalidRequest("This is not the number of a version.")
    return value
