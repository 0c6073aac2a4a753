"""What one page edits: a document, the version that it was made from, and what is told of them. Pure."""

from collections.abc import Mapping
from typing import Any

from bus.messages import Message
from bus.messages.workflows import WorkflowRecord
from gui.workflows.document import Link, links_of, nodes_of
from gui.workflows.edits import Edit, edited
from gui.workflows.history import History
from gui.workflows.operators import OLDER_OPERATORS, OPERATORS
from gui.workflows.ports import Types, ports_of, title_of


class Kept(Message):
    """What a browser kept of a draft that was not saved."""

    version: int
    document: dict[str, Any]


class Draft:
    """`saved` is the document as the engine has it in `version`."""

    def __init__(self, record: WorkflowRecord, types: Types) -> None:
        self.types = types
        self.selected: tuple[str, ...] = ()
        self.take(record)
        self.history = History(now=self.saved)

    def take(self, record: WorkflowRecord) -> None:
        """The engine's record is this now; what was undone and can be redone stays."""
        self.record, self.version = record, record.version
        self.saved: Mapping[str, Any] = {**(record.n8n_data or {}), "name": record.name}

    def resume(self, kept: Kept) -> None:
        """Goes on with what a browser kept; when it was made from an older version, saving says so."""
        self.version = kept.version
        self.history = self.history.then(kept.document)

    @property
    def document(self) -> Mapping[str, Any]:
        return self.history.now

    @property
    def name(self) -> str:
        return str(self.document.get("name") or self.record.name)

    @property
    def dirty(self) -> bool:
        return self.document != self.saved

    def edit(self, edit: Edit) -> None:
        """InvalidRequest."""
        made, self.selected = edited(self.document, edit, self.types)
        self.history = self.history.then(made)

    def replace(self, document: Mapping[str, Any]) -> None:
        """A step that can be undone."""
        self.history = self.history.then(document)

    def view(self) -> dict[str, Any]:
        selected, self.selected = self.selected, ()
        return {**shown(self.document, self.types), **self._standing(), "selected": selected}

    def _standing(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "active": self.record.active,
            "dirty": self.dirty,
            "undo": bool(self.history.past),
            "redo": bool(self.history.future),
            "problems": [problem.model_dump() for problem in self.record.problems],
        }


def shown(document: Mapping[str, Any], types: Types) -> dict[str, Any]:
    """A document and the ports of its nodes, by name."""
    links = links_of(document)
    touching: dict[str, list[Link]] = {}
    for link in links:
        for name in {link.source, link.target}:
            touching.setdefault(name, []).append(link)
    ports = {
        node["name"]: ports_of(node, types, touching.get(node["name"], ())).model_dump(mode="json")
        for node in nodes_of(document)
    }
    wires = [
        {
            "source": link.source,
            "type": link.type,
            "output": link.output,
            "target": link.target,
            "target_type": link.target_type,
            "input": link.input,
        }
        for link in links
    ]
    return {"document": document, "ports": ports, "wires": wires}


def told_types(types: Types, base_url: str | None = None) -> dict[str, Any]:
    """For the palette. `base_url`: of webhooks. The fields of a type are asked for once one of its nodes is looked at."""
    return {
        "base_url": base_url,
        "operators": [operator.model_dump(mode="json") for operator in OPERATORS],
        "older": [operator.model_dump(mode="json") for operator in OLDER_OPERATORS],
        "types": [
            {
                **kind.model_dump(mode="json", exclude={"parameters_schema"}),
                "title": kind.title or title_of(kind.name),
            }
            for kind in types.values()
        ],
    }
