"""Convert to File, Extract from File, and the older nodes that did the same: between JSON and binary fields of items."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from mimetypes import guess_extension
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.core.items import Item, Items, Outputs, paired
from workflow.core.paths import read, with_value, without
from workflow.expressions.parameters import Parameters
from workflow.nodes import binary, tables
from workflow.nodes.contract import NodeCall, NodeType, each_item
from workflow.nodes.values import json_text, text_of

_UNREAD: Final = "{0} files are not read or written here. Use CSV or XLSX, or convert the file before."


def run_convert(call: NodeCall) -> Outputs:
    operation = call.node.parameters.get("operation", "csv")
    if operation in ("csv", "xlsx", "html"):
        return [[_table(operation, call.items, call.once())]] if call.items else [[]]
    if operation == "toJson":
        return [_json_files(call)]
    if operation in ("toText", "toBinary"):
        return [each_item(call, lambda index, item, parameters: _from_field(operation, index, item, parameters))]
    raise NodeError(_UNREAD.format(str(operation).upper()))


def _file(fields: dict[str, Any], name: str, content: dict[str, Any], pairs: Any) -> Item:
    return {"json": fields, "binary": {name: content}, "pairedItem": pairs}


def _field(parameters: Parameters) -> str:
    return parameters.text("binaryPropertyName", "data") or "data"


def _table(kind: str, items: Items, parameters: Parameters, name: str | None = None) -> Item:
    options = parameters.get("options") or {}
    rows = [tables.flat(item["json"]) for item in items]
    file_name = str(options.get("fileName") or f"{name or 'File'}.{kind}")
    if kind == "csv":
        content = tables.write_csv(rows, options)
    elif kind == "xlsx":
        content = tables.write_xlsx(rows, options)
    elif kind == "html":
        content = tables.write_html(rows, options)
    else:
        raise NodeError(_UNREAD.format(kind.upper()))
    made = binary.make(content, name=file_name)
    return _file({}, _field(parameters), made, [paired(index) for index in range(len(items))])


def _json_files(call: NodeCall) -> list[Item]:
    parameters = call.once()
    if parameters.get("mode", "once") == "each":
        return each_item(call, lambda index, item, each: _json_file(item["json"], each, paired(index)))
    pairs = [paired(index) for index in range(len(call.items))]
    return [_json_file([item["json"] for item in call.items], parameters, pairs)] if call.items else []


def _json_file(value: Any, parameters: Parameters, pairs: Any) -> Item:
    pretty = parameters.get("options.format") is True
    text = json.dumps(value, indent=2, ensure_ascii=False) if pretty else json_text(value)
    content = binary.encoded(text, parameters.text("options.encoding", "utf8"))
    name = parameters.text("options.fileName", "file.json") or "file.json"
    return _file({}, _field(parameters), binary.make(content, name=name, mime_type="application/json"), pairs)


def _from_field(operation: str, index: int, item: Item, parameters: Parameters) -> Item:
    source = parameters.text("sourceProperty")
    value = read(item["json"], source)
    if value is None:
        raise NodeError(f'The value in "{source}" is not set', item=index)
    if operation == "toBinary":
        name, content = parameters.text("options.fileName", "file"), binary.decode(value, index)
        mime = parameters.text("options.mimeType") or None
    else:
        name = parameters.text("options.fileName", "file.txt")
        mime = "application/json" if isinstance(value, dict | list) else "text/plain"
        content = binary.encoded(text_of(value), parameters.text("options.encoding", "utf8"))
    return _file({}, _field(parameters), binary.make(content, name=name, mime_type=mime), paired(index))


_TABLES: Final[Mapping[str, Callable[[bytes, Mapping[str, Any]], list[tables.Row]]]] = {
    "csv": lambda content, options: tables.read_csv(_csv_text(content, options), options),
    "html": lambda content, options: tables.read_html(binary.decoded(content, "utf8"), options),
    "xlsx": tables.read_xlsx,
}


def _csv_text(content: bytes, options: Mapping[str, Any]) -> str:
    """A byte order mark stays in the first name unless it is said that there is one."""
    return binary.decoded(content, str(options.get("encoding") or "utf8"), marked=options.get("enableBOM") is True)


def run_extract(call: NodeCall) -> Outputs:
    operation = call.node.parameters.get("operation", "csv")
    if operation in _TABLES:
        return [each_item(call, lambda index, item, parameters: _rows(operation, index, item, parameters))]
    if operation in ("fromJson", "text", "xml", "binaryToPropery"):
        return [each_item(call, lambda index, item, parameters: _to_field(operation, index, item, parameters))]
    raise NodeError(_UNREAD.format(str(operation).upper()))


def _rows(kind: str, index: int, item: Item, parameters: Parameters) -> list[Item]:
    content, _ = binary.read(item, _field(parameters), index)
    rows = _TABLES[kind](content, parameters.get("options") or {})
    return [{"json": row, "pairedItem": paired(index)} for row in rows]


def _to_field(operation: str, index: int, item: Item, parameters: Parameters) -> Item:
    name = _field(parameters)
    content, facts = binary.read(item, name, index)
    if operation == "binaryToPropery":
        value: Any = facts.get("data", "")
    else:
        value = binary.decoded(content, parameters.text("options.encoding", "utf8"))
    if operation == "fromJson":
        value = _json(value, index)
    keep = parameters.get("options.keepSource")
    fields = item["json"] if keep in ("json", "both") else {}
    made: Item = {
        "json": with_value(fields, parameters.text("destinationKey", "data") or "data", value),
        "pairedItem": paired(index),
    }
    kept = dict(item.get("binary") or {})
    if keep not in ("binary", "both"):
        kept.pop(name, None)
    return {**made, "binary": kept} if kept else made


def _json(text: str, index: int) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise NodeError(
            "The file selected in 'Input Binary Field' is not in JSON format", description=str(error), item=index
        ) from None


def run_move(call: NodeCall) -> Outputs:
    to_json = call.node.parameters.get("mode", "binaryToJson") == "binaryToJson"
    make = _moved_to_json if to_json else partial(_moved_to_binary, call.node.version)
    return [each_item(call, make)]


def _moved_to_json(index: int, item: Item, parameters: Parameters) -> list[Item]:
    """An item without the file is left out, as n8n does."""
    source = parameters.text("sourceKey", "data")
    if not isinstance((item.get("binary") or {}).get(source), Mapping):
        return []
    content, facts = binary.read(item, source, index)
    encoding = parameters.text("options.encoding", "utf8")
    as_text = facts.get("data", "") if parameters.get("options.keepAsBase64") is True else binary.decoded(content, encoding)
    kept = dict(item.get("binary") or {})
    if parameters.get("options.keepSource") is not True:
        kept.pop(source, None)
    if parameters.get("setAllData", True) is not False:
        found = _json(as_text, index)
        fields = found if isinstance(found, dict) else {"data": found}
    else:
        value = _json(as_text, index) if parameters.get("options.jsonParse") is True else as_text
        fields = with_value(item["json"], parameters.text("destinationKey", "data"), value)
    made: Item = {"json": fields, "pairedItem": paired(index)}
    return [{**made, "binary": kept} if kept else made]


def _moved_to_binary(version: float, index: int, item: Item, parameters: Parameters) -> list[Item]:
    """An item without the field is left out, as n8n does."""
    whole = parameters.get("convertAllData", True) is not False
    source = parameters.text("sourceKey", "data")
    value = item["json"] if whole else read(item["json"], source)
    if value is None and not whole:
        return []
    raw = parameters.get("options.useRawData") is True and not whole
    if parameters.get("options.dataIsBase64") is True and not whole:
        content = binary.decode(value, index)
    else:
        text = text_of(value) if raw else json_text(value)
        content = binary.encoded(text, parameters.text("options.encoding", "utf8"))
    mime = parameters.text("options.mimeType", "application/json") or "application/json"
    name = parameters.text("options.fileName") or (f"file{guess_extension(mime) or ''}" if version >= 1.1 else None)
    made = binary.make(content, name=name, mime_type=mime)
    keeps = parameters.get("options.keepSource") is True
    fields = item["json"] if keeps else {} if whole else without(item["json"], source)
    target = parameters.text("destinationKey", "data")
    return [{"json": fields, "binary": {**(item.get("binary") or {}), target: made}, "pairedItem": paired(index)}]


def run_spreadsheet(call: NodeCall) -> Outputs:
    if call.node.parameters.get("operation", "fromFile") == "fromFile":
        return [each_item(call, _sheet_rows)]
    if not call.items:
        return [[]]
    return [[_table(call.once().text("fileFormat", "xls"), call.items, call.once(), "spreadsheet")]]


def _sheet_rows(index: int, item: Item, parameters: Parameters) -> list[Item]:
    kind = parameters.text("fileFormat", "autodetect")
    if kind not in _TABLES:
        name = str(((item.get("binary") or {}).get(_field(parameters)) or {}).get("fileName", ""))
        ending = name.rpartition(".")[2].lower()
        kind = ending if ending in _TABLES else "xlsx"
    return _rows(kind, index, item, parameters)


_NOTE: Final = "PDF, ODS, XLS, RTF and ICS files are not read or written here"
TYPES = (
    NodeType(name="n8n-nodes-base.convertToFile", versions=(1, 1.1), run=run_convert, note=_NOTE),
    NodeType(name="n8n-nodes-base.extractFromFile", versions=(1, 1.1), run=run_extract, note=_NOTE),
    NodeType(name="n8n-nodes-base.moveBinaryData", versions=(1, 1.1), run=run_move),
    NodeType(name="n8n-nodes-base.spreadsheetFile", versions=(1, 2), run=run_spreadsheet, note=_NOTE),
)
