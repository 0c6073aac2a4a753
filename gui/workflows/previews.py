"""Values of expressions beside their fields: as they would be for an item of the execution that is shown, or of the last one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from bus.errors import HiveError
from bus.messages import Message
from bus.messages.previews import PreviewExpressions, PreviewSource
from bus.messages.workflows import ListExecutions
from gui.workflows.document import MAIN, Link
from gui.workflows.office import Office
from gui.workflows.understanding import understood

Tell = Callable[[str, dict[str, Any]], None]


class Asked(Message):
    """`number`: by which the browser knows its answer."""

    number: int
    node: str
    expressions: tuple[str, ...]
    item: int = 0


class PreviewTeller:
    """A refusal is told beside the field, and not as a failure of the page."""

    def __init__(self, office: Office, tell: Tell) -> None:
        self._office, self._tell = office, tell

    async def show(self, given: Any, links: Sequence[Link], execution_id: UUID | None, workflow_id: UUID | None) -> None:
        asked = understood(Asked, given)
        try:
            execution_id = execution_id or await self._last(workflow_id)
            found = {} if execution_id is None else await self._values(asked, links, execution_id)
        except HiveError as error:
            found = {"refused": error.message}
        self._tell("previews", {"number": asked.number, "node": asked.node, "expressions": asked.expressions, **found})

    async def _values(self, asked: Asked, links: Sequence[Link], execution_id: UUID) -> Mapping[str, Any]:
        wish = {
            "execution_id": execution_id,
            "node": asked.node,
            "sources": sources_of(asked.node, links),
            "expressions": asked.expressions,
            "item": asked.item,
        }
        return (await self._office.preview(understood(PreviewExpressions, wish))).model_dump(mode="json")

    async def _last(self, workflow_id: UUID | None) -> UUID | None:
        if workflow_id is None:
            return None
        found = await self._office.executions(ListExecutions(workflow_id=workflow_id, limit=1))
        return found.executions[0].id if found.executions else None


def sources_of(node: str, links: Sequence[Link]) -> tuple[PreviewSource, ...]:
    """What leads to the node's first input; of a helper, what leads to the node that it is attached to."""
    own = [link for link in links if link.target == node and link.type == MAIN and link.input == 0]
    if not own:
        roots = {link.target for link in links if link.source == node and link.type != MAIN}
        own = [link for link in links if link.target in roots and link.type == MAIN and link.input == 0]
    return tuple(PreviewSource(node=link.source, output=link.output) for link in own)
