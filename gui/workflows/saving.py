"""Storing what was drawn, and what became of a workflow meanwhile: others' changes, earlier versions, whether it is active."""

from typing import Any

from bus.auth import Permission
from bus.errors import Conflict, InvalidRequest
from bus.messages.workflows import WorkflowRecord
from gui.workflows.difference import differences, merged
from gui.workflows.opened import Opened
from gui.workflows.wiring import Handler


class Saving:
    """Nothing but `save`, and what has to save before it, stores anything."""

    def __init__(self, opened: Opened) -> None:
        self._opened, self._office, self._id = opened, opened.office, opened.id
        self._meanwhile: tuple[WorkflowRecord, dict[str, Any]] | None = None

    def handlers(self) -> dict[str, Handler]:
        return {
            "save": self._save,
            "settle": self._settle,
            "discard": self._discard,
            "activate": self._activate,
            "versions": self._versions,
            "compare": self._compare,
            "restore": self._restore,
        }

    async def _save(self, _: Any) -> None:
        await self.saved()

    async def saved(self) -> bool:
        """Whether the engine has the draft now; not where somebody else saved meanwhile, which the page is told."""
        draft = self._opened.draft
        if not draft.dirty and draft.version == draft.record.version:
            return True
        self._opened.saving = True
        try:
            draft.take(await self._office.save(self._id, draft.document, draft.name, draft.version))
        except Conflict:
            await self._tell_conflict()
            return False
        finally:
            self._opened.saving = False
        draft.replace({**draft.document, "name": draft.record.name})
        self._opened.editor.tell("saved", {"version": draft.version})
        self._opened.show()
        return True

    async def _tell_conflict(self) -> None:
        draft = self._opened.draft
        theirs = await self._office.get(self._id)
        before = (await self._office.version(self._id, draft.version)).n8n_data
        versions = (await self._office.versions(self._id)).versions
        there = {**(theirs.n8n_data or {}), "name": theirs.name}
        before = {**before, "name": draft.saved.get("name", theirs.name)} if "name" not in before else before
        both, clashes = merged(before, draft.document, there)
        self._meanwhile = theirs, both
        by = next((each.created_by for each in versions if each.version == theirs.version), "somebody")
        self._opened.editor.tell(
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
        """`merge`, `theirs` or `mine`: what the draft is now, on top of what the other saved. Nothing is stored by it; any other word
        leaves all as it is."""
        if self._meanwhile is None:
            return
        (theirs, both), self._meanwhile = self._meanwhile, None
        if way not in ("merge", "theirs", "mine"):
            return
        draft = self._opened.draft
        draft.take(theirs)
        if way != "mine":
            draft.replace(both if way == "merge" else draft.saved)
        self._opened.show()

    async def _discard(self, _: Any) -> None:
        """Back to what the engine has; the draft can be had again by undo."""
        draft = self._opened.draft
        draft.take(await self._office.get(self._id))
        draft.replace(draft.saved)
        self._opened.show()

    async def _activate(self, active: Any) -> None:
        if not await self.saved():
            return
        self._opened.draft.record = await self._office.activate(self._id, bool(active))
        self._opened.show()

    async def _versions(self, _: Any) -> None:
        self._opened.editor.tell("versions", await self._office.versions(self._id))

    async def _compare(self, version: Any) -> None:
        """What the draft changed since this version."""
        found = await self._office.version(self._id, _number(version))
        changes = differences({**found.n8n_data, "name": found.name}, self._opened.draft.document)
        told = {"version": found.version, "changes": [each.model_dump() for each in changes]}
        self._opened.editor.tell("compared", told)

    async def _restore(self, version: Any) -> None:
        """Into the draft: nothing is stored until it is saved."""
        self._opened.require(Permission.WORKFLOWS_EDIT)
        found = await self._office.version(self._id, _number(version))
        self._opened.draft.replace({**found.n8n_data, "name": found.name})
        self._opened.show()


def _number(value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise InvalidRequest("This is not the number of a version.")
    return value
