"""Tables as files: CSV, Excel and HTML to rows of fields, and back. Pure."""

import csv
import html
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice, takewhile
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

from workflow.core.failure import LimitError, NodeError
from workflow.core.paths import MISSING
from workflow.nodes import binary
from workflow.nodes.values import number_of, text_of

MAX_ROWS: Final = 200_000
MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024
Row = dict[str, Any]
_MADE_AT: Final = re.compile(rb"<dcterms:(created|modified)\b.*?</dcterms:\1>")
_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)


def read_csv(text: str, options: Mapping[str, Any]) -> list[Row]:
    """Values are texts. `headerRow`: the first line names the fields; else they are their numbers.

    As n8n does, it stops in silence at a line that has too few or too many fields, or stray quotes.
    """
    delimiter = str(options.get("delimiter") or ",")[:1]
    lines = _loose(text, delimiter) if options.get("relaxQuotes") is True else _strict(text, delimiter)
    rows = list(_even(islice(lines, max(0, int(options.get("fromLine") or 1) - 1), None)))
    headed = options.get("headerRow", True) is not False
    most = int(options.get("maxRowCount") or -1)
    taken = rows[: most + headed] if most >= 0 else rows
    _check_count(taken)
    empties = options.get("includeEmptyCells") is True
    if not headed:
        return [{"row": row if empties else {str(n): each for n, each in enumerate(row) if each}} for row in taken]
    return [{name: each for name, each in zip(rows[0], row, strict=True) if empties or each} for row in taken[1:]]


def _loose(text: str, delimiter: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row)


def _strict(text: str, delimiter: str) -> Iterator[list[str]]:
    """Up to a field with quotes that neither enclose it nor are doubled."""
    mark = re.escape(delimiter)
    field = re.compile(rf'(?:"((?:[^"]|"")*)"|([^{mark}"\r\n]*))({mark}|\r\n|\n|\r|\Z)')
    row: list[str] = []
    place = 0
    while place < len(text) or row:
        found = field.match(text, place)
        if found is None:
            return
        quoted, plain, end = found.groups()
        row.append(plain if quoted is None else quoted.replace('""', '"'))
        place = found.end()
        if end != delimiter:
            if row != [""]:
                yield row
            row = []


def _even(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Up to one that is longer or shorter than the first."""
    first = next(rows, None)
    if first is not None:
        yield first
        yield from takewhile(lambda row: len(row) == len(first), rows)


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
        raise NodeError(
            f'Spreadsheet does not contain sheet called "{name}"!', description=f"It has {', '.join(book.sheetnames)}"
        )
    sheet = book[str(name)] if name else book.worksheets[0]
    rows = [[_plain(value) for value in row] for row in sheet.iter_rows(values_only=True, **_range(options))]
    book.close()
    return _named([row for row in rows if any(value is not None for value in row)], options)


def _range(options: Mapping[str, Any]) -> dict[str, int]:
    """Of the cells wanted: `A1:C9`, or the number of the first row from 0. Nothing where it says neither."""
    from openpyxl.utils.cell import range_boundaries

    given = text_of(options.get("range", ""))
    if given.isdigit():
        return {"min_row": int(given) + 1}
    try:
        bounds = range_boundaries(given) if given else ()
    except (ValueError, TypeError):
        raise NodeError(f"The range {given!r} is none: write it as A1:C9") from None
    return {name: each for name, each in zip(("min_col", "min_row", "max_col", "max_row"), bounds, strict=False) if each}


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
    """The first table of the document; numbers, truth and dates are what their texts say, unless `rawData` is wanted."""
    table = LexborHTMLParser(_BREAK.sub("\n", text)).css_first("table")
    lines = table.css("tr") if table is not None else []
    read = text_of if options.get("rawData") is True else _typed
    cells = [[cell.text(deep=True).strip() for cell in line.css("td, th")] for line in lines]
    rows = [[read(each) if each else None for each in row] for row in cells]
    return _named([row for row in rows if row], options)


def _typed(text: str) -> Any:
    if text in ("TRUE", "FALSE"):
        return text == "TRUE"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return f"{text}T00:00:00.000Z"
    part = text.removesuffix("%")
    number = number_of(part) if re.fullmatch(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?", part) else None
    if number is None:
        return text
    return number if part == text else number / 100


def _check_count(rows: Sequence[Any]) -> None:
    if len(rows) > MAX_ROWS:
        raise LimitError(f"The table has {len(rows):,} rows; it may have {MAX_ROWS:,}.")


def _named(rows: Sequence[Sequence[Any]], options: Mapping[str, Any]) -> list[Row]:
    """What a row lacks is left out, or empty where empty cells are wanted."""
    _check_count(rows)
    empties = options.get("includeEmptyCells") is True
    width = max(map(len, rows), default=0)
    if options.get("headerRow", True) is False:
        return [{"row": _padded(row, width) if empties else _trimmed(row)} for row in rows]
    if not rows:
        return []
    names = _names([*rows[0], *(None for _ in range(width - len(rows[0])))])
    return [
        {name: value for name, value in zip(names, _padded(row, width, None), strict=True) if value is not None}
        if not empties
        else dict(zip(names, _padded(row, width), strict=True))
        for row in rows[1:]
    ]


def _padded(row: Sequence[Any], width: int, empty: Any = "") -> list[Any]:
    return [empty if value is None else value for value in row] + [empty] * (width - len(row))


def _trimmed(row: Sequence[Any]) -> list[Any]:
    count = next((n for n in range(len(row), 0, -1) if row[n - 1] is not None), 0)
    return list(row[:count])


def _names(cells: Sequence[Any]) -> list[str]:
    """A cell without a name is `__EMPTY`; one of the same name has a number after it."""
    names: list[str] = []
    for cell in cells:
        name = "__EMPTY" if cell is None else text_of(cell)
        number = sum(1 for each in names if each == name or each.rpartition("_")[0] == name)
        names.append(f"{name}_{number}" if number else name)
    return names


def _columns(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _lines(rows: Sequence[Row], options: Mapping[str, Any]) -> Iterator[list[Any]]:
    names = _columns(rows)
    if options.get("headerRow", True) is not False:
        yield list(names)
    for row in rows:
        yield [row.get(name, MISSING) for name in names]


def write_csv(rows: Sequence[Row], options: Mapping[str, Any]) -> bytes:
    """With a byte order mark and without a line break at its end, as n8n writes it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=str(options.get("delimiter") or ",")[:1], lineterminator="\n")
    writer.writerows([_shown(value) for value in line] for line in _lines(rows, options))
    return binary.encoded("\ufeff" + out.getvalue().removesuffix("\n"), str(options.get("encoding") or "utf8"))


def _shown(value: Any) -> str:
    if value is None or value is MISSING:
        return ""
    text = text_of(value)
    return text.upper() if isinstance(value, bool) or (isinstance(value, float) and "e" in text) else text


def write_html(rows: Sequence[Row], options: Mapping[str, Any]) -> bytes:
    lines = (
        "".join(_cell_html(value, f"sjs-{_column(place)}{number}") for place, value in enumerate(line))
        for number, line in enumerate(_lines(rows, options), 1)
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    head = '<html><head><meta charset="utf-8"/><title>SheetJS Table Export</title></head>'
    return f"{head}<body><table>{body}</table></body></html>".encode()


def _cell_html(value: Any, place: str) -> str:
    """The attributes are those that n8n writes, for whoever reads the table by them."""
    if value is MISSING:
        return f'<td id="{place}"></td>'
    if value is None:
        return f'<td data-t="z" id="{place}"></td>'
    kind = "b" if isinstance(value, bool) else "n" if isinstance(value, int | float) else "s"
    given, shown = (html.escape(each).replace("\n", "<br/>") for each in (text_of(value), _shown(value)))
    space = ' xml:space="preserve"' if kind == "s" and shown != shown.strip() else ""
    return f'<td data-t="{kind}" data-v="{given}" id="{place}"{space}>{shown}</td>'


def _column(place: int) -> str:
    before, letter = divmod(place, 26)
    return (_column(before - 1) if before else "") + chr(ord("A") + letter)


def write_xlsx(rows: Sequence[Row], options: Mapping[str, Any]) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(str(options.get("sheetName") or "Sheet"))
    for line in _lines(rows, options):
        sheet.append([_cell(value) for value in line])
    out = io.BytesIO()
    book.save(out)
    return _timeless(out.getvalue())


def _timeless(workbook: bytes) -> bytes:
    """Without the time of day that the library writes into it: a node that is computed again after a crash gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as kept:
        for each in made.infolist():
            kept.writestr(zipfile.ZipInfo(each.filename), _MADE_AT.sub(b"", made.read(each)), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is MISSING:
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else text_of(value)


def flat(fields: Mapping[str, Any], before: str = "") -> Row:
    """Nested objects and lists as `a.b` and `a.0` columns, the way n8n writes tables; empty ones have none."""
    found: Row = {}
    for name, value in fields.items():
        path = f"{before}.{name}" if before else name
        if isinstance(value, list):
            value = {str(n): each for n, each in enumerate(value)}
        found.update(flat(value, path) if isinstance(value, Mapping) else {path: value})
    return found
