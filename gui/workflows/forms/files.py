"""Fields of the nodes that read and write files. Pure."""

from typing import Final

from gui.workflows.forms.fields import Field, added, given, number, on, select, since, switch, text

_FIELD: Final = text("binaryPropertyName", "Field of the file", "data")
_NAME: Final = text("fileName", "Name of the file")
_ENCODING: Final = text("encoding", "Encoding", "utf8")
_HEADED: Final = switch("headerRow", "The first row has names", True)
_SHEET: Final = text("sheetName", "Sheet")
_DELIMITER: Final = text("delimiter", "Between cells", ",")
_TABLES: Final = (
    _HEADED,
    switch("includeEmptyCells", "Empty cells, too"),
    switch("rawData", "Texts as they are"),
    text("range", "Cells, such as A1:C9"),
    _SHEET,
)
_LINES: Final = (
    _DELIMITER,
    _ENCODING,
    number("fromLine", "From line", 0),
    number("maxRowCount", "Most rows, -1 for all", -1),
    switch("enableBOM", "It has a byte order mark"),
    switch("relaxQuotes", "Quotes within cells are signs"),
)


def _at(where: str, *values: str) -> dict[str, tuple[str, ...]]:
    return {f"/{where}": values}


CONVERT: Final = (
    select(
        "operation",
        "To",
        ("csv", "CSV"),
        ("html", "HTML"),
        ("toJson", "JSON"),
        ("toText", "Text"),
        ("xlsx", "XLSX"),
        ("toBinary", "A file of Base64"),
    ),
    *given(on(operation="toJson"), select("mode", "Files", ("once", "One for all items"), ("each", "One for each item"))),
    *given(on(operation=("toText", "toBinary")), text("sourceProperty", "Field")),
    _FIELD,
    added(
        _NAME,
        *given(_at("operation", "csv"), _DELIMITER),
        *given(_at("operation", "csv", "toJson", "toText"), _ENCODING),
        *given(_at("operation", "csv", "html", "xlsx"), _HEADED),
        *given(_at("operation", "xlsx"), _SHEET),
        *given(_at("operation", "csv", "toJson", "toText"), switch("addBOM", "With a byte order mark")),
        *given(_at("operation", "toJson"), switch("format", "With line breaks and spaces")),
        *given(_at("operation", "toBinary"), text("mimeType", "Its type, such as image/png")),
    ),
)

_TO_FIELD: Final = ("fromJson", "text", "xml", "binaryToPropery")
EXTRACT: Final = (
    select(
        "operation",
        "From",
        ("csv", "CSV"),
        ("html", "HTML"),
        ("fromJson", "JSON"),
        ("text", "Text"),
        ("xlsx", "XLSX"),
        ("xml", "XML"),
        ("binaryToPropery", "Any file, to Base64"),
    ),
    _FIELD,
    *given(on(operation=_TO_FIELD), text("destinationKey", "Field of the result", "data")),
    added(
        *given(_at("operation", "csv"), *_LINES),
        *given(_at("operation", "csv", "html", "xlsx"), _HEADED, switch("includeEmptyCells", "Empty cells, too")),
        *given(
            _at("operation", "html", "xlsx"), switch("rawData", "Texts as they are"), switch("readAsString", "Read as text")
        ),
        *given(_at("operation", "xlsx"), text("range", "Cells, such as A1:C9"), _SHEET),
        *given(_at("operation", "fromJson", "text", "xml"), _ENCODING),
        *given(_at("operation", *_TO_FIELD), select("keepSource", "Keep", ("json", "Fields"), ("binary", "The file"), "both")),
        *given(
            _at("operation", "csv"),
            switch("skipRecordsWithErrors.value.enabled", "Leave out rows with errors"),
            number("skipRecordsWithErrors.value.maxSkippedRecords", "Most of them, -1 for all", -1),
        ),
    ),
)

MOVE: Final = (
    select("mode", "Make", ("binaryToJson", "Fields of a file"), ("jsonToBinary", "A file of fields")),
    *given(
        on(mode="binaryToJson"),
        switch("setAllData", "All fields", True),
        text("sourceKey", "Field of the file", "data"),
        *given(on(setAllData="false"), text("destinationKey", "Field of the result", "data")),
    ),
    *given(
        on(mode="jsonToBinary"),
        switch("convertAllData", "All fields", True),
        *given(on(convertAllData="false"), text("sourceKey", "Field", "data")),
        text("destinationKey", "Field of the file", "data"),
    ),
    added(
        _ENCODING,
        switch("keepSource", "Keep where it came from"),
        *given(_at("mode", "binaryToJson"), switch("jsonParse", "It is JSON"), switch("keepAsBase64", "Keep it as Base64")),
        *given(_at("mode", "jsonToBinary"), switch("useRawData", "The text as it is"), switch("dataIsBase64", "It is Base64")),
        *given(_at("mode", "jsonToBinary"), _NAME, text("mimeType", "Its type", "application/json")),
    ),
)

SPREADSHEET: Final = (
    select("operation", "Do", ("fromFile", "Read a file"), ("toFile", "Write a file")),
    *since(2, *given(on(operation="fromFile"), select("fileFormat", "Format", "autodetect", ("csv", "CSV"), ("html", "HTML"), ("xlsx", "XLSX")))),
    *given(on(operation="toFile"), select("fileFormat", "Format", ("csv", "CSV"), ("html", "HTML"), ("xlsx", "XLSX"))),
    _FIELD,
    added(*_TABLES, *_LINES, *given(_at("operation", "toFile"), _NAME)),
)  # fmt: skip

READ_WRITE: Final = (
    select("operation", "Do", ("read", "Read files"), ("write", "Write a file")),
    *given(on(operation="read"), text("fileSelector", "Files", hint="A path, or a pattern such as /data/*.csv")),
    *given(
        on(operation="write"),
        text("fileName", "File"),
        text("dataPropertyName", "Field of the file", "data"),
    ),
    added(
        *given(_at("operation", "write"), switch("append", "Add to the file")),
        *given(_at("operation", "read"), text("fileExtension", "Ending"), _NAME, text("mimeType", "Its type")),
        *given(_at("operation", "read"), text("dataPropertyName", "Field of the file", "data")),
    ),
)

FILES: Final[dict[str, tuple[Field, ...]]] = {
    "convertToFile": CONVERT,
    "extractFromFile": EXTRACT,
    "moveBinaryData": MOVE,
    "spreadsheetFile": SPREADSHEET,
    "readWriteFile": READ_WRITE,
}
