"""What a form needs beside the node: the fields of its type, and lists to choose from. Told when they are asked for."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from bus.errors import InvalidRequest
from bus.messages.node_types import NodeTypeRecord
from bus.messages.workflows import ListWorkflows
from gui.canvas.parts import Told
from gui.workflows.forms.catalogue import fields_of
from gui.workflows.office import Office
from gui.workflows.ports import Types
from gui.workflows.wiring import Handler

CHOICES: Final = 100
"""Of a list; what is not among them is named by its id."""


class Filling:
    """`types`: those that the page was told of."""

    def __init__(self, editor: Told, office: Office, types: Callable[[], Types]) -> None:
        self._editor, self._office, self._types = editor, office, types

    def handlers(self) -> dict[str, Handler]:
        return {"form": self._form, "choices": self._choices}

    async def _form(self, name: Any) -> None:
        kind = self._types().get(str(name))
        self._editor.tell("form", {"type": str(name), "fields": None if kind is None else told_fields(kind)})

    async def _choices(self, of: Any) -> None:
        if of != "workflows":
            raise InvalidRequest(f"There is no list of {of!r} to choose from.")
        found = await self._office.list(ListWorkflows(limit=CHOICES))
        chosen = [{"value": str(each.id), "name": each.name} for each in found.workflows]
        self._editor.tell("choices", {"of": "workflows", "choices": chosen})


def told_fields(kind: NodeTypeRecord) -> Sequence[dict[str, Any]] | None:
    """None where the dashboard knows none."""
    fields = fields_of(kind)
    return None if fields is None else [field.model_dump(mode="json", exclude_defaults=True) for field in fields]
