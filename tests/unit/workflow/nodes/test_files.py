"""Files: made of items, and items made of them."""

import base64
import io
import json
import zipfile

import pytest

from tests.unit.workflow.nodes.case import Case, Fails, check, file, outputs, run
from workflow.core.driver import Driver
from workflow.nodes import binary, tables

CSV = 'name,age\nAda,36\n"B, C",7\n'


def extract(name: str, operation: str, given: dict[str, object], gives: object, **more: object) -> Case:
    parameters = {"operation": operation, **more}
    return Case(
        name=name,
        kind="extractFromFile",
        parameters=parameters,
        items=[{"json": {"k": 1}, "binary": {"data": given}}],
        gives=gives,
    )


CASES = (
    extract("csv", "csv", file(CSV), [[{"name": "Ada", "age": "36"}, {"name": "B, C", "age": "7"}]]),
    extract("delimiter", "csv", file("a;b\n1;2"), [[{"a": "1", "b": "2"}]], options={"delimiter": ";"}),
    extract("no header", "csv", file("1,2\n3,4"), [[{"row": {"0": "1", "1": "2"}}, {"row": {"0": "3", "1": "4"}}]], options={"headerRow": False}),
    extract("bom", "csv", file("\ufeffa\n1"), [[{"a": "1"}]], options={"enableBOM": True}),
    extract("bom not looked for", "csv", file("\ufeffa\n1"), [[{"\ufeffa": "1"}]]),
    extract("up to a short line", "csv", file("a,b\n1,2\n3\n5,6"), [[{"a": "1", "b": "2"}]]),
    extract("up to stray quotes", "csv", file('a\n1\nx"y\n2'), [[{"a": "1"}]]),
    extract("stray quotes", "csv", file('a\nx"y'), [[{"a": 'x"y'}]], options={"relaxQuotes": True}),
    extract("rows", "csv", file("x\na,b\n1,\n3,4\n"), [[{"a": "1"}]], options={"fromLine": 2, "maxRowCount": 1}),
    extract("empty", "csv", file("a,b\n1,\n"), [[{"a": "1", "b": ""}]], options={"includeEmptyCells": True}),
    extract("latin", "csv", file("a\nü".encode("latin-1")), [[{"a": "ü"}]], options={"encoding": "latin1"}),
    extract("json", "fromJson", file('{"x": [1]}'), [[{"data": {"x": [1]}}]]),
    extract("json elsewhere", "fromJson", file("[1]"), [[{"a": {"b": [1]}}]], destinationKey="a.b"),
    extract("not json", "fromJson", file("{"), Fails("not in JSON format")),
    extract("text", "text", file("hällo"), [[{"data": "hällo"}]]),
    extract("keeps the json", "text", file("x"), [[{"k": 1, "data": "x"}]], options={"keepSource": "json"}),
    extract("xml", "xml", file("<a/>"), [[{"data": "<a/>"}]]),
    extract("base64", "binaryToPropery", file("abc"), [[{"data": "YWJj"}]]),
    extract("html", "html", file("<table><tr><th>a</th></tr><tr><td>1</td></tr></table>"), [[{"a": 1}]]),
    extract("xlsx", "xlsx", file(tables.write_xlsx([{"a": 1, "b": "x"}, {"a": 2.5, "b": True}], {})), [[{"a": 1, "b": "x"}, {"a": 2.5, "b": True}]]),
    extract("a sheet", "xlsx", file(tables.write_xlsx([{"a": 1}], {"sheetName": "S"})), [[{"a": 1}]], options={"sheetName": "S"}),
    extract("no sheet", "xlsx", file(tables.write_xlsx([{"a": 1}], {})), Fails('called "T"'), options={"sheetName": "T"}),
    extract("no workbook", "xlsx", file("hello"), Fails("no Excel workbook")),
    extract("pdf", "pdf", file("x"), Fails("PDF files are not read")),
    extract("no such file", "csv", file(CSV), Fails("binary field 'other'"), binaryPropertyName="other"),
    extract("not base64", "text", {"data": "***"}, Fails("not valid base64")),
    Case(name="to json, all", kind="moveBinaryData", items=[{"json": {}, "binary": {"data": file('{"a": 1}')}}], gives=[[{"a": 1}]]),
    Case(name="to a field", kind="moveBinaryData", parameters={"setAllData": False, "destinationKey": "t"}, items=[{"json": {"k": 1}, "binary": {"data": file("x")}}], gives=[[{"k": 1, "t": "x"}]]),
    Case(name="as base64", kind="moveBinaryData", parameters={"setAllData": False, "options": {"keepAsBase64": True}}, items=[{"json": {}, "binary": {"data": file("abc")}}], gives=[[{"data": "YWJj"}]]),
    Case(name="rows", kind="spreadsheetFile", version=2, items=[{"json": {}, "binary": {"data": file(CSV, "t.csv")}}], gives=[[{"name": "Ada", "age": "36"}, {"name": "B, C", "age": "7"}]]),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_reads(driver: Driver, case: Case) -> None:
    check(driver, case)


MADE = (
    (
        "csv",
        {},
        [{"a": 1, "b": {"c": "x,y"}}, {"a": None, "d": True}],
        '\ufeffa,b.c,d\n1,"x,y",\n,,TRUE',
        "File.csv",
        "text/csv",
    ),
    (
        "csv",
        {"options": {"delimiter": ";", "headerRow": False, "fileName": "t.csv"}},
        [{"a": 1, "b": 2}],
        "\ufeff1;2",
        "t.csv",
        "text/csv",
    ),
    ("toJson", {}, [{"a": 1}, {"a": 2}], '[{"a":1},{"a":2}]', "file.json", "application/json"),
    ("toJson", {"mode": "each"}, [{"a": 1}], '{"a":1}', "file.json", "application/json"),
    (
        "toJson",
        {"mode": "each", "options": {"format": True}},
        [{"a": "ü"}],
        '{\n  "a": "ü"\n}',
        "file.json",
        "application/json",
    ),
    ("toText", {"sourceProperty": "t.u"}, [{"t": {"u": "hällo"}}], "hällo", "file.txt", "text/plain"),
    ("toText", {"sourceProperty": "t", "options": {"fileName": "n.md"}}, [{"t": 5}], "5", "n.md", "text/plain"),
    ("toBinary", {"sourceProperty": "t", "options": {"fileName": "n.png"}}, [{"t": "YWJj"}], "abc", "n.png", "image/png"),
)


@pytest.mark.parametrize(("operation", "parameters", "items", "text", "name", "mime"), MADE)
def test_it_writes(driver: Driver, operation: str, parameters: dict, items: list, text: str, name: str, mime: str) -> None:
    case = Case(name="", kind="convertToFile", version=1.1, parameters={"operation": operation, **parameters}, items=items)
    made = outputs(run(driver, case))[0][0]["binary"]["data"]
    assert (base64.b64decode(made["data"]).decode(), made["fileName"], made["mimeType"]) == (text, name, mime)


def test_a_workbook_comes_back_as_it_went(driver: Driver) -> None:
    rows = [{"a": 1, "b": "x"}, {"a": 2.5, "b": "ü"}]
    made = outputs(run(driver, Case(name="", kind="convertToFile", parameters={"operation": "xlsx"}, items=rows)))[0][0]
    check(driver, extract("back", "xlsx", made["binary"]["data"], [rows]))


def test_json_becomes_a_file_and_json_again(driver: Driver) -> None:
    made = outputs(run(driver, Case(name="", kind="moveBinaryData", parameters={"mode": "jsonToBinary"}, items=[{"a": [1]}])))[
        0
    ][0]
    assert made["json"] == {}
    assert json.loads(base64.b64decode(made["binary"]["data"]["data"])) == {"a": [1]}
    check(driver, Case(name="", kind="moveBinaryData", items=[{"json": {}, "binary": made["binary"]}], gives=[[{"a": [1]}]]))


@pytest.mark.parametrize("operation", ["toText", "toBinary"])
def test_a_field_that_is_not_there_is_named(driver: Driver, operation: str) -> None:
    parameters = {"operation": operation, "sourceProperty": "gone"}
    check(driver, Case(name="", kind="convertToFile", parameters=parameters, gives=Fails('"gone" is not set')))


def test_a_file_over_the_limit_is_refused(driver: Driver) -> None:
    parameters = {"operation": "toText", "sourceProperty": "t"}
    check(
        driver,
        Case(
            name="",
            kind="convertToFile",
            parameters=parameters,
            items=[{"t": "x" * (binary.MAX_BYTES + 1)}],
            gives=Fails("may have"),
        ),
    )


def test_a_workbook_is_known_by_its_name_on_any_machine() -> None:
    made = binary.make(tables.write_xlsx([{"a": 1}], {}), name="t.xlsx")
    assert made["mimeType"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert "fileType" not in made


def test_a_workbook_says_nothing_of_when_it_was_made() -> None:
    with zipfile.ZipFile(io.BytesIO(tables.write_xlsx([{"a": 1}], {}))) as book:
        assert {each.date_time for each in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"dcterms" not in book.read("docProps/core.xml").partition(b"<dc:creator>")[2]
