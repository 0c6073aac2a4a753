"""Running what was drawn, and looking at executions of it on its canvas."""

from typing import Any, Final
from uuid import UUID, uuid4

from bus.auth import Permission
from bus.errors import HiveError, InvalidRequest
from bus.messages import Message
from bus.messages.workflows import ListExecutions
from gui.workflows.document import links_of
from gui.workflows.edits import Pin
from gui.workflows.opened import Opened
from gui.workflows.previews import PreviewTeller
from gui.workflows.saving import Saving
from gui.workflows.understanding import understood
from gui.workflows.wiring import Handler

EXECUTIONS: Final = 30


class Wanted(Message):
    """A page of items."""

    node: str
    side: str = "output"
    run: int = -1
    choice: int = 0
    offset: int = 0


class Executing:
    """What is on the canvas is saved before it runs."""

    def __init__(self, opened: Opened, saving: Saving) -> None:
        self._opened, self._saving = opened, saving
        self._office, self._following = opened.office, opened.following
        self._previews = PreviewTeller(opened.office, opened.editor.tell)

    def handlers(self) -> dict[str, Handler]:
        return {
            "run": self._run,
            "stop": self._stop,
            "retry": self._retry,
            "items": self._items,
            "pin": self._pin,
            "executions": self._executions,
            "execution": self._execution,
            "leave": self._leave,
            "preview": self._preview,
        }

    async def _run(self, destination: Any) -> None:
        if not await self._saving.saved():
            return
        execution_id = uuid4()
        self._following.begin(execution_id)
        try:
            await self._office.execute(self._opened.id, execution_id, str(destination) if destination else None)
        except HiveError:
            self._following.leave()
            self._opened.editor.tell("left")
            raise
        self._following.watch()

    async def _stop(self, _: Any) -> None:
        if self._following.execution_id is not None:
            await self._office.stop(self._following.execution_id)

    async def _retry(self, node: Any) -> None:
        if self._following.execution_id is None or not await self._saving.saved():
            return
        made = await self._office.retry(self._following.execution_id, str(node) if node else None)
        self._following.begin(made.id)
        self._following.watch()

    async def _items(self, given: Any) -> None:
        wanted = understood(Wanted, given)
        self._opened.editor.tell("items", self._following.items(**wanted.model_dump()))

    async def _pin(self, node: Any) -> None:
        self._opened.require(Permission.WORKFLOWS_EDIT)
        items = tuple(self._following.output_of(str(node)))
        self._opened.draft.edit(Pin(kind="pin", name=str(node), items=items))
        self._opened.show()

    async def _executions(self, cursor: Any) -> None:
        query = ListExecutions(workflow_id=self._opened.id, limit=EXECUTIONS, cursor=str(cursor) if cursor else None)
        found = await self._office.executions(query)
        self._opened.editor.tell("executions", {**found.model_dump(mode="json"), "more": bool(cursor)})

    async def _execution(self, execution_id: Any) -> None:
        self._following.begin(_id(execution_id))
        self._following.watch()

    async def _leave(self, _: Any) -> None:
        self._following.leave()

    async def _preview(self, given: Any) -> None:
        links = links_of(self._opened.draft.document)
        await self._previews.show(given, links, self._following.execution_id, self._opened.id)


def _id(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidRequest("This is not an execution's id.") from None
