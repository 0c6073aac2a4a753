"""Tables as files: CSV, Excel and HTML to rows of fields, and back. Pure."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

from workflow.failure import LimitError, NodeError
from workflow.nodes import binary
from workflow.nodes.values import text_of

MAX_ROWS: Final = 200_000
MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024
Row = dict[str, Any]


def read_csv(text: str, options: Mapping[str, Any]) -> list[Row]:
    """Values are texts. `headerRow`: the first line names the fields; else they are their numbers."""
    delimiter = str(options.get("delimiter") or ",")[:1]
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise NodeError(f"The CSV cannot be read: {error}") from None
    return _named([row for row in rows if row], options)


def read_xlsx(content: bytes, options: Mapping[str, Any]) -> list[Row]:
    from openpyxl import load_workbook  # an engine that reads no workbook spares its memory
    from openpyxl.utils.exceptions import InvalidFileException

    _check_unpacked(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise NodeError("The file is no Excel workbook (.xlsx)") from None
    name = options.get("sheetName")
    if name and name not in book.sheetnames:
        raise NodeError(f"The spreadsheet has no sheet {name!r}: {', '.join(book.sheetnames)}")
    sheet = book[str(name)] if name else book.worksheets[0]
    rows = [[_plain(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    book.close()
    return _named([row for row in rows if any(value is not None for value in row)], options)


def _check_unpacked(content: bytes) -> None:
    """A small archive may unpack to more than there is memory."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(each.file_size for each in archive.infolist())
    if size > MAX_UNPACKED_BYTES:
        raise LimitError(f"The workbook unpacks to {size:,} bytes; it may have {MAX_UNPACKED_BYTES:,}.")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value


def read_html(text: str, options: Mapping[str, Any]) -> list[Row]:
    """The first table of the document."""
    lines = LexborHTMLParser(text).css("table tr")
    rows = [[cell.text(deep=True).strip() for cell in line.css("td, th")] for line in lines]
    return _named([row for row in rows if row], options)


def _named(rows: Sequence[Sequence[Any]], options: Mapping[str, Any]) -> list[Row]:
    if len(rows) > MAX_ROWS:
        raise LimitError(f"The table has {len(rows):,} rows; it may have {MAX_ROWS:,}.")
    if options.get("headerRow", True) is False:
        return [{"row": list(row)} for row in rows]
    if not rows:
        return []
    empties = options.get("includeEmptyCells") is True
    names = [text_of(name) for name in rows[0]]
    return [
        {
            name: "" if value is None else value
            for name, value in zip(names, row, strict=False)
            if name and (empties or value is not None)
        }
        for row in rows[1:]
    ]


def _columns(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def write_csv(rows: Sequence[Row], options: Mapping[str, Any]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=str(options.get("delimiter") or ",")[:1], lineterminator="\n")
    names = _columns(rows)
    if options.get("headerRow", True) is not False:
        writer.writerow(names)
    writer.writerows([text_of(row.get(name)) for name in names] for row in rows)
    return binary.encoded(out.getvalue(), str(options.get("encoding") or "utf8"))


def write_xlsx(rows: Sequence[Row], options: Mapping[str, Any]) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(str(options.get("sheetName") or "Sheet"))
    names = _columns(rows)
    if options.get("headerRow", True) is not False:
        sheet.append(names)
    for row in rows:
        sheet.append([_cell(row.get(name)) for name in names])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else text_of(value)


def flat(fields: Mapping[str, Any], before: str = "") -> Row:
    """Nested objects as `a.b` columns, the way n8n writes tables."""
    found: Row = {}
    for name, value in fields.items():
        path = f"{before}.{name}" if before else name
        found.update(flat(value, path) if isinstance(value, Mapping) and value else {path: value})
    return found
