"""What a person does on the canvas, as the browser says it, and what comes of it. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages import Message
from gui.workflows import document as documents
from gui.workflows.document import BESIDE, MAIN, Document, Link
from gui.workflows.layout import laid_out
from gui.workflows.ports import Types, new_node, ports_of

Position = tuple[float, float]


class Wire(Message):
    source: str
    type: str = MAIN
    output: int = Field(default=0, ge=0, le=255)
    target: str
    target_type: str = MAIN
    input: int = Field(default=0, ge=0, le=255)

    @property
    def link(self) -> Link:
        return Link(self.source, self.type, self.output, self.target, self.target_type, self.input)


class Add(Message):
    """`after`: the node that it is connected to, by its first output or the one that is named."""

    kind: Literal["add"]
    type: str
    position: Position
    after: str | None = None
    output: int = 0


class Move(Message):
    kind: Literal["move"]
    positions: dict[str, Position]


class Connect(Wire):
    kind: Literal["connect"]


class Remove(Message):
    kind: Literal["remove"]
    names: tuple[str, ...] = ()
    wires: tuple[Wire, ...] = ()


class Rename(Message):
    kind: Literal["rename"]
    old: str
    new: str = Field(max_length=255)


class Duplicate(Message):
    kind: Literal["duplicate"]
    names: tuple[str, ...]


class Paste(Message):
    kind: Literal["paste"]
    text: str
    at: Position | None = None


class Toggle(Message):
    """Disables the nodes, or enables them where all are disabled."""

    kind: Literal["toggle"]
    names: tuple[str, ...]


class Change(Message):
    kind: Literal["change"]
    name: str
    fields: dict[str, Any]


class Pin(Message):
    """None: not pinned any more."""

    kind: Literal["pin"]
    name: str
    items: tuple[dict[str, Any], ...] | None


class Unrule(Message):
    """A Switch without its rule number `rule`, from 0."""

    kind: Literal["unrule"]
    name: str
    rule: int


class Arrange(Message):
    kind: Literal["arrange"]


class Title(Message):
    kind: Literal["title"]
    name: str = Field(min_length=3, max_length=255)


Edit = Annotated[
    Add | Move | Connect | Remove | Rename | Duplicate | Paste | Toggle | Change | Pin | Unrule | Arrange | Title,
    Field(discriminator="kind"),
]
_EDITS: TypeAdapter[Edit] = TypeAdapter(Edit)


def read_edit(given: Any) -> Edit:
    """InvalidRequest."""
    try:
        return _EDITS.validate_python(given)
    except ValidationError as error:
        raise explain(error) from None


def edited(document: Mapping[str, Any], edit: Edit, types: Types) -> tuple[Document, tuple[str, ...]]:
    """The document after it, and the nodes that are to be selected. InvalidRequest where it cannot be done."""
    match edit:
        case Add():
            return _added(document, edit, types)
        case Paste(text=text, at=at):
            made, names = documents.pasted(document, documents.read(text), at)
            return made, tuple(names)
        case Duplicate(names=names):
            made, copies = documents.pasted(document, documents.fragment(document, names), _beside(document, names))
            return made, tuple(copies)
        case Rename(old=old, new=new):
            return documents.renamed(document, old, new), (new.strip(),)
        case _:
            return _rearranged(document, edit), ()


def _rearranged(document: Mapping[str, Any], edit: Edit) -> Document:
    match edit:
        case Move(positions=positions):
            return documents.moved(document, positions)
        case Connect():
            return documents.connected(document, edit.link)
        case Remove(names=names, wires=wires):
            return documents.without(documents.disconnected(document, (wire.link for wire in wires)), names)
        case Toggle(names=names):
            return _toggled(document, names)
        case Change(name=name, fields=fields):
            return documents.changed(document, name, fields)
        case Pin(name=name, items=items):
            return documents.pinned(document, name, items)
        case Unrule(name=name, rule=rule):
            return documents.without_rule(document, name, rule)
        case Arrange():
            return laid_out(document)
        case Title(name=name):
            return {**document, "name": name}
        case _:
            raise InvalidRequest(f"There is no edit {edit.kind!r}.")


def _added(document: Mapping[str, Any], edit: Add, types: Types) -> tuple[Document, tuple[str, ...]]:
    kind = types.get(edit.type)
    if kind is None:
        raise InvalidRequest(f"Hive has no node of type {edit.type!r}.")
    made = documents.with_node(document, new_node(kind, edit.position))
    node = documents.nodes_of(made)[-1]
    if edit.after is not None:
        made = _after(made, documents.node_named(document, edit.after), node, edit.output, types)
    return made, (node["name"],)


def _after(document: Document, before: Mapping[str, Any], node: Mapping[str, Any], output: int, types: Types) -> Document:
    """Connected where the two fit: items flow on, and a helper is attached."""
    links = documents.links_of(document)
    left, right = ports_of(before, types, links), ports_of(node, types, links)
    helper = next((port for port in right.outputs if port.type != MAIN), None)
    if helper is not None:
        takes = any(port.type == helper.type for port in left.inputs)
        link = Link(node["name"], helper.type, 0, before["name"], helper.type, 0)
        return documents.connected(document, link) if takes else document
    gives = any(port.type == MAIN and port.index == output for port in left.outputs)
    takes = any(port.type == MAIN for port in right.inputs)
    link = Link(before["name"], MAIN, output, node["name"], MAIN, 0)
    return documents.connected(document, link) if gives and takes else document


def _toggled(document: Mapping[str, Any], names: tuple[str, ...]) -> Document:
    found = [documents.node_named(document, name) for name in names]
    disable = None if all(node.get("disabled") for node in found) else True
    made: Document = dict(document)
    for name in names:
        made = documents.changed(made, name, {"disabled": disable})
    return made


def _beside(document: Mapping[str, Any], names: tuple[str, ...]) -> Position:
    places = [documents.node_named(document, name).get("position") or (0, 0) for name in names]
    if not places:
        raise InvalidRequest("Nothing is selected.")
    return (min(x for x, _ in places) + BESIDE, min(y for _, y in places) + BESIDE)
