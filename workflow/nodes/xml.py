"""XML: a text to JSON, or JSON to a text. The options are those of n8n's node, which are xml2js's."""

from collections.abc import Mapping
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs, paired
from workflow.core.paths import read
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import NodeCall, NodeType, each_item
from workflow.nodes.values import text_of

_HEADER: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def run(call: NodeCall) -> Outputs:
    """Where the node continues, an item that fails is left out, as n8n does it."""
    make = _parsed if call.node.parameters.get("mode", "xmlToJson") == "xmlToJson" else _written
    return [each_item(call, make, lambda *_: None)]


def _parsed(index: int, item: Item, parameters: Parameters) -> Item:
    name = parameters.text("dataPropertyName", "data")
    text = read(item["json"], name)
    if text is None:
        raise NodeError(f'Item has no JSON property called "{name}"', item=index)
    options = {"mergeAttrs": True, "explicitArray": False, **(parameters.get("options") or {})}
    return {"json": to_json(text_of(text), options, index), "pairedItem": paired(index)}


def to_json(text: str, options: Mapping[str, Any], index: int = 0) -> Any:
    """Raises `NodeError` for what is not well formed. Entities of its own are refused: they can grow without bound."""
    reader = _Reader(options)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise NodeError(f"The XML is not well formed: {error}", item=index) from None
    return {reader.root: reader.value} if options.get("explicitRoot", True) is not False else reader.value


def _refuse(*_: Any) -> None:
    raise NodeError("The XML declares entities of its own, which is not allowed here")


class _Reader:
    """Builds the value of each element when it ends."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._attributes = str(options.get("attrkey", "$"))
        self._characters = str(options.get("charkey", "_"))
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self.root = ""
        self.value: Any = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        fields: dict[str, Any] = {}
        if attributes and self._options.get("ignoreAttrs") is not True:
            if self._options.get("mergeAttrs") is True:
                for key, value in attributes.items():
                    self._add(fields, key, value)
            else:
                fields[self._attributes] = dict(attributes)
        self._open.append((name.lower() if self._options.get("normalizeTags") is True else name, fields, []))

    def text(self, data: str) -> None:
        self._open[-1][2].append(data)

    def end(self, _: str) -> None:
        name, fields, texts = self._open.pop()
        value = self._value(fields, "".join(texts))
        if self._open:
            self._add(self._open[-1][1], name, value)
        else:
            self.root, self.value = name, value

    def _value(self, fields: dict[str, Any], text: str) -> Any:
        shown = " ".join(text.split()) if self._options.get("normalize") is True else text
        shown = shown.strip() if self._options.get("trim") is True or not text.strip() else shown
        if not fields:
            return shown
        return {self._characters: shown, **fields} if shown else fields

    def _add(self, fields: dict[str, Any], name: str, value: Any) -> None:
        """Elements of one name become a list; always, where lists are asked for."""
        if name not in fields:
            fields[name] = [value] if self._options.get("explicitArray") is True else value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]


def _written(index: int, item: Item, parameters: Parameters) -> Item:
    options = parameters.get("options") or {}
    text = to_xml(item["json"], options)
    return {"json": {parameters.text("dataPropertyName", "data"): text}, "pairedItem": paired(index)}


def to_xml(fields: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """The only field is the root; several stand in one of the options' name."""
    root = str(options.get("rootName", "root"))
    name, value = next(iter(fields.items())) if len(fields) == 1 and "rootName" not in options else (root, fields)
    if isinstance(value, list):
        name, value = root, fields
    body = "\n".join(_element(name, value, options, 0))
    return body if options.get("headless") is True else _HEADER + body


def _element(name: str, value: Any, options: Mapping[str, Any], depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(value, list):
        return [line for each in value for line in _element(name, each, options, depth)]
    if not isinstance(value, Mapping):
        text = escape(text_of(value))
        return [f"{indent}<{name}>{text}</{name}>" if text else f"{indent}<{name}/>"]
    attributes = value.get(str(options.get("attrkey", "$"))) or {}
    characters = str(options.get("charkey", "_"))
    opened = name + "".join(f" {key}={quoteattr(text_of(each))}" for key, each in attributes.items())
    children = [(key, each) for key, each in value.items() if key not in (str(options.get("attrkey", "$")), characters)]
    text = escape(text_of(value.get(characters)))
    if not children:
        return [f"{indent}<{opened}>{text}</{name}>" if text else f"{indent}<{opened}/>"]
    lines = [line for key, each in children for line in _element(key, each, options, depth + 1)]
    return [f"{indent}<{opened}>{text}", *lines, f"{indent}</{name}>"]


TYPES = (NodeType(name="n8n-nodes-base.xml", versions=(1,), run=run),)
