"""HTML: a template, values out of a document by CSS selectors, or items as a table."""

import html as escaping
import re
from collections.abc import Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from workflow.core.failure import NodeError
from workflow.core.items import Item, Items, Outputs, paired
from workflow.core.paths import read
from workflow.expressions.parameters import Parameters
from workflow.nodes import binary
from workflow.nodes.contract import NodeCall, NodeType, each_item
from workflow.nodes.values import text_of


def run(call: NodeCall) -> Outputs:
    operation = call.node.parameters.get("operation", "generateHtmlTemplate")
    if operation == "extractHtmlContent":
        return run_extract(call)
    if operation == "convertToHtmlTable":
        return [[_table(call.items, call.once())]] if call.items else [[]]
    return [each_item(call, lambda index, _, parameters: _made({"html": parameters.text("html")}, index))]


def run_extract(call: NodeCall) -> Outputs:
    return [each_item(call, _extracted)]


def _made(fields: dict[str, Any], index: int) -> Item:
    return {"json": fields, "pairedItem": paired(index)}


def _extracted(index: int, item: Item, parameters: Parameters) -> list[Item]:
    """One item for each document: the field may hold a list of them."""
    found = _source(index, item, parameters)
    documents = found if isinstance(found, list) else [found]
    return [_made(_values(text_of(document), parameters), index) for document in documents]


def _source(index: int, item: Item, parameters: Parameters) -> Any:
    name = parameters.text("dataPropertyName", "data")
    if parameters.get("sourceData", "json") == "binary":
        content, _ = binary.read(item, name, index)
        return binary.decoded(content, "utf-8")
    found = read(item["json"], name)
    if found is None:
        raise NodeError(f'No property named "{name}" exists!', item=index)
    return found


def _values(document: str, parameters: Parameters) -> dict[str, Any]:
    parser = LexborHTMLParser(document)
    trims, cleans = parameters.get("options.trimValues", True) is not False, parameters.get("options.cleanUpText") is True
    made: dict[str, Any] = {}
    for wanted in parameters.get("extractionValues.values", []):
        found = [_value(node, wanted, trims, cleans) for node in _select(parser, str(wanted.get("cssSelector", "")))]
        if wanted.get("returnArray") is True:
            made[str(wanted.get("key", ""))] = found
        elif found:
            made[str(wanted.get("key", ""))] = (
                found[0] if len(found) == 1 or wanted.get("returnValue") != "text" else "".join(found)
            )
        else:
            made[str(wanted.get("key", ""))] = "" if wanted.get("returnValue", "text") == "text" else None
    return made


def _select(parser: LexborHTMLParser, selector: str) -> list[LexborNode]:
    if not selector.strip():
        raise NodeError("A CSS selector is empty")
    try:
        return parser.css(selector)
    except SelectolaxError as error:
        raise NodeError(f"The CSS selector {selector!r} cannot be read: {error}") from None


def _value(node: LexborNode, wanted: Mapping[str, Any], trims: bool, cleans: bool) -> Any:
    kind = wanted.get("returnValue", "text")
    if kind == "attribute":
        return node.attributes.get(str(wanted.get("attribute", "")))
    if kind == "value":
        return node.attributes.get("value")
    text = _inner(node) if kind == "html" else _text(node, str(wanted.get("skipSelectors", "")))
    if trims:
        text = text.strip()
    return re.sub(r"\s+", " ", text).strip() if cleans else text


def _inner(node: LexborNode) -> str:
    return "".join(child.html or "" for child in node.iter(include_text=True))


def _text(node: LexborNode, skipped: str) -> str:
    for selector in filter(None, (each.strip() for each in skipped.split(","))):
        for unwanted in node.css(selector):
            unwanted.decompose()
    return node.text(deep=True)


def _table(items: Items, parameters: Parameters) -> Item:
    options = parameters.get("options", {})
    names = list(dict.fromkeys(name for item in items for name in item["json"]))
    styled = options.get("customStyling") is not True

    def attributes(name: str) -> str:
        given = str(options.get(f"{name}Attributes", "")) if not styled else ""
        return f" {given}" if given else ""

    def title(name: str) -> str:
        return name.replace("_", " ").capitalize() if options.get("capitalize") is True else name

    caption = f"<caption>{escaping.escape(str(options['caption']))}</caption>" if options.get("caption") else ""
    head = "".join(f"<th>{escaping.escape(title(name))}</th>" for name in names)
    body = "".join(
        f"<tr{attributes('row')}>"
        + "".join(f"<td{attributes('cell')}>{_cell(item['json'].get(name))}</td>" for name in names)
        + "</tr>"
        for item in items
    )
    table = f"<table{attributes('table')}>{caption}<thead{attributes('header')}><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return {"json": {"table": table}, "pairedItem": [paired(index) for index in range(len(items))]}


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return f'<input type="checkbox"{" checked" if value else ""}/>'
    return escaping.escape(text_of(value))


TYPES = (
    NodeType(name="n8n-nodes-base.html", versions=(1, 1.1, 1.2), run=run),
    NodeType(name="n8n-nodes-base.htmlExtract", versions=(1,), run=run_extract),
)
