"""The list of workflows: what a person asks for there, on the bus in that person's name."""

from typing import Any, Final
from uuid import UUID

from bus.errors import HiveError, InvalidId
from bus.messages import Message
from bus.messages.workflows import ListWorkflows, WorkflowRecord
from gui.canvas.parts import WorkflowTable
from gui.workflows.document import Document, read
from gui.workflows.office import Office
from gui.workflows.understanding import understood
from gui.workflows.wiring import Handler, wire

PAGE: Final = 50
_TRIGGER: Final = {
    "id": "b1c6f4d2-0000-4000-8000-000000000001",
    "name": "When clicking ‘Execute workflow’",
    "type": "n8n-nodes-base.manualTrigger",
    "typeVersion": 1,
    "position": [0, 0],
    "parameters": {},
}


class Query(Message):
    search: str | None = None
    active: bool | None = None
    cursor: str | None = None


class Switch(Message):
    id: UUID
    active: bool


class Listing:
    def __init__(self, table: WorkflowTable, office: Office) -> None:
        self._table, self._office = table, office

    def wire(self) -> None:
        handlers: dict[str, Handler] = {
            "list": self._list,
            "create": self._create,
            "import": self._import,
            "duplicate": self._duplicate,
            "delete": self._delete,
            "activate": self._activate,
        }
        wire(self._table, handlers)

    async def _list(self, given: Any) -> None:
        query = understood(Query, given or {})
        search = (query.search or "").strip()[:255] or None
        try:
            found = await self._office.list(ListWorkflows(active=query.active, search=search, cursor=query.cursor, limit=PAGE))
        except HiveError as error:
            self._table.tell("away", {"code": error.code, "message": error.message})
            return
        self._table.tell("workflows", {**found.model_dump(mode="json"), "more": query.cursor is not None})

    async def _create(self, example: Any) -> None:
        document = example_workflow() if example else {"name": "My workflow", "nodes": [_TRIGGER], "connections": {}}
        self._open(await self._office.create({**document, "settings": {"executionOrder": "v1"}}))

    async def _import(self, text: Any) -> None:
        document = read(str(text))
        self._open(await self._office.create(document, _name(document, "Imported workflow")))

    async def _duplicate(self, workflow_id: Any) -> None:
        record = await self._office.get(_id(workflow_id))
        made = await self._office.create(_own(record), f"{record.name[:248]} (copy)")
        self._table.tell("changed", {"id": str(made.id)})

    async def _delete(self, workflow_id: Any) -> None:
        await self._office.delete(_id(workflow_id))
        self._table.tell("gone", {"id": str(workflow_id)})

    async def _activate(self, given: Any) -> None:
        wish = understood(Switch, given)
        try:
            record = await self._office.activate(wish.id, wish.active)
        finally:
            self._table.tell("changed", {"id": str(wish.id)})
        self._table.tell("switched", {"id": str(record.id), "active": record.active})

    def _open(self, record: WorkflowRecord) -> None:
        self._table.tell("open", {"id": str(record.id)})


def example_workflow() -> Document:
    """Three nodes that run without a model: some numbers, a rule, and what comes of it."""
    return {
        "name": "Example: which orders are large",
        "nodes": [
            _TRIGGER,
            {
                "id": "b1c6f4d2-0000-4000-8000-000000000002",
                "name": "Orders",
                "type": "n8n-nodes-base.code",
                "typeVersion": 2,
                "position": [240, 0],
                "parameters": {"jsCode": "return [12, 480, 35, 990].map((total, i) => ({ json: { order: i + 1, total } }));"},
            },
            {
                "id": "b1c6f4d2-0000-4000-8000-000000000003",
                "name": "Judge",
                "type": "n8n-nodes-base.set",
                "typeVersion": 3.4,
                "position": [480, 0],
                "parameters": {
                    "assignments": {
                        "assignments": [
                            {
                                "id": "1",
                                "name": "size",
                                "type": "string",
                                "value": "={{ $json.total > 100 ? 'large' : 'small' }}",
                            }
                        ]
                    },
                    "includeOtherFields": True,
                    "options": {},
                },
            },
        ],
        "connections": {
            _TRIGGER["name"]: {"main": [[{"node": "Orders", "type": "main", "index": 0}]]},
            "Orders": {"main": [[{"node": "Judge", "type": "main", "index": 0}]]},
        },
    }


def _own(record: WorkflowRecord) -> Document:
    """Without what belongs to the one it was: its id."""
    return {key: value for key, value in (record.n8n_data or {}).items() if key != "id"}


def _name(document: Document, otherwise: str) -> str:
    name = str(document.get("name") or "").strip()[:255]
    return name if len(name) >= 3 else otherwise


def _id(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidId("This is not a workflow's id.") from None
