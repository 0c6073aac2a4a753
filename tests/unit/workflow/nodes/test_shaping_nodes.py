"""Set, Split Out, Aggregate, Summarize, Sort, Limit, Remove Duplicates, Rename Keys, Item Lists, Date & Time and the code nodes."""

from typing import Any

import pytest

from tests.unit.workflow.nodes.case import Case, Fails, check, file
from workflow.core.driver import Driver

P = [{"name": "Ada", "n": 3}, {"name": "bob", "n": 1}, {"name": "Cy", "n": 3}]


def assign(*fields: tuple[str, str, Any]) -> dict[str, Any]:
    return {"assignments": {"assignments": [{"name": name, "type": kind, "value": value} for name, kind, value in fields]}}


def of(kind: str, name: str, parameters: Any, items: Any, gives: Any, version: float = 1, **more: Any) -> Case:
    return Case(name=name, kind=kind, version=version, parameters=parameters, items=items, gives=gives, **more)


SET = (
    of("set", "typed", assign(("a", "number", "5"), ("b", "boolean", "true"), ("c", "array", "[1]"), ("d", "object", '{"x": 1}'), ("e", "string", 7)), [{}], [[{"a": 5, "b": True, "c": [1], "d": {"x": 1}, "e": "7"}]], 3.4),
    of("set", "keeps others", {**assign(("a", "string", "x")), "includeOtherFields": True}, [{"k": 1}], [[{"k": 1, "a": "x"}]], 3.4),
    of("set", "drops others", assign(("a", "string", "x")), [{"k": 1}], [[{"a": "x"}]], 3.3),
    of("set", "selected", {**assign(("a", "string", "x")), "includeOtherFields": True, "include": "selected", "includeFields": "k, m.n"}, [{"k": 1, "l": 2, "m": {"n": 3, "o": 4}}], [[{"k": 1, "n": 3, "a": "x"}]], 3.4),
    of("set", "except", {**assign(("a", "string", "x")), "includeOtherFields": True, "include": "except", "excludeFields": "k"}, [{"k": 1, "l": 2}], [[{"l": 2, "a": "x"}]], 3.4),
    of("set", "dots", assign(("a.b", "number", 1)), [{}], [[{"a": {"b": 1}}]], 3.4),
    of("set", "no dots", {**assign(("a.b", "number", 1)), "options": {"dotNotation": False}}, [{}], [[{"a.b": 1}]], 3.4),
    of("set", "raw", {"mode": "raw", "jsonOutput": '={"a": {{ $json.k }}}'}, [{"k": 1}], [[{"a": 1}]], 3.4),
    of("set", "raw, not json", {"mode": "raw", "jsonOutput": "{"}, [{}], Fails("'jsonOutput' expects a object but we got '{'"), 3.4),
    of("set", "not a number", assign(("a", "number", "x")), [{}], Fails("'a' expects a number but we got 'x'"), 3.4),
    of("set", "not a number, ignored", {**assign(("a", "number", "x")), "options": {"ignoreConversionErrors": True}}, [{}], [[{"a": "x"}]], 3.4),
    of("set", "version 3.2", {"fields": {"values": [{"name": "a", "stringValue": "x"}, {"name": "b", "type": "numberValue", "numberValue": "2"}]}, "include": "none"}, [{"k": 1}], [[{"a": "x", "b": 2}]], 3.2),
    of("set", "version 3, all", {"fields": {"values": [{"name": "a", "stringValue": "x"}]}}, [{"k": 1}], [[{"k": 1, "a": "x"}]], 3),
    of("set", "version 1", {"values": {"string": [{"name": "s", "value": "=x{{ $json.k }}"}], "number": [{"name": "n", "value": 2}], "boolean": [{"name": "b", "value": True}]}}, [{"k": 1}], [[{"k": 1, "b": True, "n": 2, "s": "x1"}]]),
    of("set", "version 1, only", {"keepOnlySet": True, "values": {"string": [{"name": "a.b", "value": "x"}]}}, [{"k": 1}], [[{"a": {"b": "x"}}]]),
    of("set", "version 2", {"values": {"number": [{"name": "n", "value": "7"}]}, "options": {}}, [{}], [[{"n": 7}]], 2),
)  # fmt: skip
LISTS = (
    of("splitOut", "a list", {"fieldToSplitOut": "l"}, [{"l": [1, 2], "k": 1}], [[{"l": 1}, {"l": 2}]]),
    of("splitOut", "objects spread", {"fieldToSplitOut": "l"}, [{"l": [{"a": 1}, {"a": 2}]}], [[{"a": 1}, {"a": 2}]]),
    of("splitOut", "all others", {"fieldToSplitOut": "l", "include": "allOtherFields"}, [{"l": [1, 2], "k": 1}], [[{"k": 1, "l": 1}, {"k": 1, "l": 2}]]),
    of("splitOut", "selected others", {"fieldToSplitOut": "l", "include": "selectedOtherFields", "fieldsToInclude": "k"}, [{"l": [1], "k": 1, "m": 2}], [[{"k": 1, "l": 1}]]),
    of("splitOut", "another name", {"fieldToSplitOut": "a.l", "options": {"destinationFieldName": "x"}}, [{"a": {"l": [1, 2]}}], [[{"x": 1}, {"x": 2}]]),
    of("splitOut", "two fields", {"fieldToSplitOut": "a, b"}, [{"a": [1, 2], "b": [3]}], [[{"a": 1, "b": 3}, {"a": 2}]]),
    of("splitOut", "missing", {"fieldToSplitOut": "gone"}, [{"a": 1}], []),
    of("splitOut", "nothing named", {"fieldToSplitOut": ""}, [{"a": 1}], Fails("parameter is empty")),
    of("splitOut", "pairs", {"fieldToSplitOut": "l"}, [{"l": [1]}, {"l": [2, 3]}], [[{"l": 1}, {"l": 2}, {"l": 3}]], pairs=[{"item": 0}, {"item": 1}, {"item": 1}]),
    of("aggregate", "a field", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "n"}]}}, P, [[{"n": [3, 1, 3]}]], pairs=[[{"item": 0}, {"item": 1}, {"item": 2}]]),
    of("aggregate", "renamed", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "n", "renameField": True, "outputFieldName": "all"}]}}, P, [[{"all": [3, 1, 3]}]]),
    of("aggregate", "all data", {"aggregate": "aggregateAllItemData"}, P[:2], [[{"data": P[:2]}]]),
    of("aggregate", "all data elsewhere", {"aggregate": "aggregateAllItemData", "destinationFieldName": "x", "include": "specifiedFields", "fieldsToInclude": "n"}, P[:2], [[{"x": [{"n": 3}, {"n": 1}]}]]),
    of("aggregate", "all but", {"aggregate": "aggregateAllItemData", "include": "allFieldsExcept", "fieldsToExclude": "n"}, P[:1], [[{"data": [{"name": "Ada"}]}]]),
    of("aggregate", "merged lists", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "l"}]}, "options": {"mergeLists": True}}, [{"l": [1, 2]}, {"l": [3]}], [[{"l": [1, 2, 3]}]]),
    of("aggregate", "missing ones", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "a"}]}}, [{"a": 1}, {"b": 2}, {"a": None}], [[{"a": [1]}]]),
    of("aggregate", "missing ones kept", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "a"}]}, "options": {"keepMissing": True}}, [{"a": 1}, {"b": 2}], [[{"a": [1, None]}]]),
    of("summarize", "sum by group", {"fieldsToSummarize": {"values": [{"aggregation": "sum", "field": "n"}]}, "fieldsToSplitBy": "g"}, [{"g": "x", "n": 1}, {"g": "y", "n": 2}, {"g": "x", "n": 3}], [[{"g": "x", "sum_n": 4}, {"g": "y", "sum_n": 2}]]),
    of("summarize", "several", {"fieldsToSummarize": {"values": [{"aggregation": kind, "field": "n"} for kind in ("min", "max", "average", "count", "countUnique", "append")]}}, [{"n": 1}, {"n": 3}, {"n": 3}], [[{"min_n": 1, "max_n": 3, "average_n": 7 / 3, "count_n": 3, "unique_count_n": 2, "appended_n": [1, 3, 3]}]], 1.1),
    of("summarize", "concatenated", {"fieldsToSummarize": {"values": [{"aggregation": "concatenate", "field": "t", "separateBy": "other", "customSeparator": "; "}]}}, [{"t": "a"}, {"t": "b"}], [[{"concatenated_t": "a; b"}]]),
    of("summarize", "no field", {"fieldsToSummarize": {"values": [{"aggregation": "sum", "field": "gone"}]}}, P, Fails("does not exist")),
    of("sort", "ascending", {"sortFieldsUi": {"sortField": [{"fieldName": "n"}]}}, P, [[P[1], P[0], P[2]]]),
    of("sort", "text ignores case", {"sortFieldsUi": {"sortField": [{"fieldName": "name", "order": "descending"}]}}, P, [[P[2], P[1], P[0]]]),
    of("sort", "two fields", {"sortFieldsUi": {"sortField": [{"fieldName": "n", "order": "descending"}, {"fieldName": "name", "order": "descending"}]}}, P, [[P[2], P[0], P[1]]]),
    of("sort", "code", {"type": "code", "code": "return a.json.n - b.json.n"}, P, [[P[1], P[0], P[2]]]),
    of("sort", "no such field", {"sortFieldsUi": {"sortField": [{"fieldName": "gone"}]}}, P, Fails("Couldn't find the field 'gone'")),
    of("limit", "first", {"maxItems": 2}, P, [P[:2]]),
    of("limit", "last", {"maxItems": 2, "keep": "lastItems"}, P, [P[1:]]),
    of("limit", "default", {}, P, [P[:1]]),
    of("removeDuplicates", "all fields", {}, [{"a": 1}, {"a": 1}, {"a": 2}], [[{"a": 1}, {"a": 2}]]),
    of("removeDuplicates", "selected", {"compare": "selectedFields", "fieldsToCompare": "n"}, P, [P[:2]], 1.1),
    of("removeDuplicates", "except", {"compare": "allFieldsExcept", "fieldsToExclude": "name"}, P, [P[:2]], 2),
    of("removeDuplicates", "only the compared", {"compare": "selectedFields", "fieldsToCompare": "n", "options": {"removeOtherFields": True}}, P, [[{"n": 3}, {"n": 1}]], 2),
    of("renameKeys", "one", {"keys": {"key": [{"currentKey": "n", "newKey": "count"}]}}, P[:1], [[{"name": "Ada", "count": 3}]]),
    of("renameKeys", "deep", {"keys": {"key": [{"currentKey": "a.b", "newKey": "c"}]}}, [{"a": {"b": 1, "d": 2}}], [[{"a": {"d": 2}, "c": 1}]]),
    of("renameKeys", "regex", {"additionalOptions": {"regexReplacement": {"replacements": [{"searchRegex": "^x_(.*)", "replaceRegex": "$1"}]}}}, [{"x_a": 1, "b": 2}], [[{"a": 1, "b": 2}]]),
    of("itemLists", "split", {"fieldToSplitOut": "l"}, [{"l": [1, 2]}], [[{"l": 1}, {"l": 2}]]),
    of("itemLists", "limit", {"operation": "limit", "maxItems": 1}, P, [P[:1]], 3),
    of("itemLists", "sort", {"operation": "sort", "sortFieldsUi": {"sortField": [{"fieldName": "n"}]}}, P, [[P[1], P[0], P[2]]], 2.2),
    of("itemLists", "concatenate", {"operation": "concatenateItems", "aggregate": "aggregateAllItemData"}, P[:1], [[{"data": P[:1]}]], 3.1),
    of("itemLists", "duplicates", {"operation": "removeDuplicates"}, [{"a": 1}, {"a": 1}], [[{"a": 1}]], 2),
    of("itemLists", "summarize", {"operation": "summarize", "fieldsToSummarize": {"values": [{"aggregation": "sum", "field": "n"}]}}, P, [[{"sum_n": 7}]], 3),
)  # fmt: skip
D = [{"d": "2024-03-30T18:49:07.234+01:00"}]
OTHERS = (
    of("dateTime", "format", {"operation": "formatDate", "date": "={{ $json.d }}", "format": "yyyy-MM-dd"}, D, [[{"formattedDate": "2024-03-30"}]], 2),
    of("dateTime", "custom format", {"operation": "formatDate", "date": "={{ $json.d }}", "format": "custom", "customFormat": "HH:mm", "outputFieldName": "t"}, D, [[{"t": "18:49"}]], 2),
    of("dateTime", "add", {"operation": "addToDate", "magnitude": "={{ $json.d }}", "timeUnit": "days", "duration": 2}, D, [[{"newDate": "2024-04-01T18:49:07.234+02:00"}]], 2),
    of("dateTime", "subtract", {"operation": "subtractFromDate", "magnitude": "={{ $json.d }}", "timeUnit": "hours", "duration": 1, "options": {"includeInputFields": True}}, D, [[{**D[0], "newDate": "2024-03-30T17:49:07.234+01:00"}]], 2),
    of("dateTime", "extract", {"operation": "extractDate", "date": "={{ $json.d }}", "part": "week"}, D, [[{"datePart": 13}]], 2),
    of("dateTime", "between", {"operation": "getTimeBetweenDates", "startDate": "2024-01-01", "endDate": "2024-01-03", "units": ["day"]}, [{}], [[{"timeDifference": {"days": 2}}]], 2),
    of("dateTime", "round down", {"operation": "roundDate", "date": "={{ $json.d }}", "toNearest": "month"}, D, [[{"roundedDate": "2024-03-01T00:00:00.000+01:00"}]], 2),
    of("dateTime", "no date", {"operation": "formatDate", "date": "soon"}, [{}], Fails("Invalid date"), 2),
    of("dateTime", "version 1", {"value": "={{ $json.d }}", "toFormat": "YYYY/MM/DD", "custom": True}, D, [[{**D[0], "data": "2024/03/30"}]]),
    of("code", "all", {"jsCode": "return items.map(item => ({json: {n: item.json.n + 1}}))"}, P[:1], [[{"n": 4}]], 2),
    of("code", "plain objects", {"jsCode": "return [{a: 1}, {a: 2}]"}, [{}], [[{"a": 1}, {"a": 2}]], 2),
    of("code", "each", {"mode": "runOnceForEachItem", "jsCode": "return {n: $json.n * 2}"}, P[:2], [[{"n": 6}, {"n": 2}]], 2, pairs=[{"item": 0}, {"item": 1}]),
    of("code", "each drops", {"mode": "runOnceForEachItem", "jsCode": "return $json.n > 1 ? $input.item : null"}, P[:2], [[P[0]]], 2),
    of("code", "throws", {"jsCode": "throw new Error('mine')"}, [{}], Fails("mine [line 1]"), 2),
    of("code", "waits", {"jsCode": "await new Promise(done => setTimeout(done, 1)); return [{a: 1}]"}, [{}], [[{"a": 1}]], 2),
    of("code", "reads a file", {"jsCode": "const b = await this.helpers.getBinaryDataBuffer(0, 'data'); return [{t: b.toString()}]"}, [{"json": {}, "binary": {"data": file("hällo")}}], [[{"t": "hällo"}]], 2),
    of("code", "no file", {"jsCode": "return [{t: await this.helpers.getBinaryDataBuffer(0, 'x')}]"}, [{}], Fails("no binary field 'x'"), 2),
    of("code", "no requests", {"jsCode": "return await this.helpers.httpRequest({url: 'x'})"}, [{}], Fails("HTTP Request node"), 2),
    of("code", "nothing", {"jsCode": "1"}, [{}], Fails("doesn't return items"), 2),
    of("code", "another language", {"language": "cobol"}, [{}], Fails("cobol"), 2),
    of("code", "version 1", {"jsCode": "return items"}, P[:1], [P[:1]]),
    of("function", "all", {"functionCode": "items[0].json.x = 1; return items;"}, [{"a": 1}], [[{"a": 1, "x": 1}]]),
    of("functionItem", "each", {"functionCode": "item.x = item.n; return item;"}, P[:1], [[{**P[0], "x": 3}]]),
    of("stopAndError", "text", {"errorMessage": "=No {{ $json.n }}"}, P[:1], Fails("No 3")),
    of("stopAndError", "object", {"errorType": "errorObject", "errorObject": '{"message": "deep"}'}, [{}], Fails("deep")),
    of("noOp", "passes", {}, P, [P]),
    of("wait", "an interval", {"amount": 1, "unit": "hours"}, P, [P], 1.1),
    of("wait", "no number", {"amount": "x"}, [{}], Fails("Invalid wait amount"), 1.1),
    of("splitInBatches", "version 1", {"batchSize": 2}, P, [P[:2]]),
    of("splitInBatches", "version 2", {"batchSize": 2}, P, [P[:2]], 2),
    of("splitInBatches", "version 3", {"batchSize": 2}, P, [[], P[:2]], 3),
)  # fmt: skip
L = [{"id": 1, "a": 1}, {"id": 2, "a": 2}]
R = [{"id": 2, "b": 2}, {"id": 3, "b": 3}]
KEY = {"fieldsToMatchString": "id"}
OLD = {"mergeByFields": {"values": [{"field1": "id", "field2": "id"}]}}
MERGE = tuple(
    Case(name=name, kind="merge", version=version, parameters=parameters, items=L, second=R, gives=gives)
    for name, version, parameters, gives in (
        ("append", 1, {}, [[*L, *R]]),
        ("append", 2.1, {"mode": "append"}, [[*L, *R]]),
        ("append", 3, {}, [[*L, *R]]),
        ("inner", 3, {"mode": "combine", **KEY}, [[{"id": 2, "a": 2, "b": 2}]]),
        ("inner", 2.1, {"mode": "combine", **OLD}, [[{"id": 2, "a": 2, "b": 2}]]),
        ("left", 3, {"mode": "combine", "joinMode": "enrichInput1", **KEY}, [[{"id": 2, "a": 2, "b": 2}, L[0]]]),
        ("right", 3, {"mode": "combine", "joinMode": "enrichInput2", **KEY}, [[{"id": 2, "b": 2, "a": 2}, R[1]]]),
        ("anti", 3, {"mode": "combine", "joinMode": "keepNonMatches", "outputDataFrom": "input1", **KEY}, [[L[0]]]),
        ("outer", 3.1, {"mode": "combine", "joinMode": "keepEverything", **KEY}, [[{"id": 2, "a": 2, "b": 2}, L[0], R[1]]]),
        (
            "position",
            3,
            {"mode": "combine", "combineBy": "combineByPosition"},
            [[{"id": 2, "a": 1, "b": 2}, {"id": 3, "a": 2, "b": 3}]],
        ),
        (
            "position",
            2,
            {"mode": "combine", "combinationMode": "mergeByPosition"},
            [[{"id": 2, "a": 1, "b": 2}, {"id": 3, "a": 2, "b": 3}]],
        ),
        (
            "product",
            3,
            {"mode": "combine", "combineBy": "combineAll"},
            [[{"id": r["id"], "a": a["a"], "b": r["b"]} for a in L for r in R]],
        ),
        ("first branch", 3, {"mode": "chooseBranch"}, [L]),
        ("second branch", 3, {"mode": "chooseBranch", "useDataOfInput": 2}, [R]),
        (
            "sql",
            3,
            {"mode": "combineBySql", "query": "SELECT input1.id, input2.b FROM input1 JOIN input2 ON input1.id = input2.id"},
            [[{"id": 2, "b": 2}]],
        ),
        ("no fields", 3, {"mode": "combine"}, Fails("at least one pair")),
        ("older key", 1, {"mode": "keepKeyMatches", "propertyName1": "id", "propertyName2": "id"}, [[L[1]]]),
        ("older pass", 1, {"mode": "passThrough", "output": "input2"}, [R]),
    )
)


@pytest.mark.parametrize("case", [*SET, *LISTS, *OTHERS, *MERGE], ids=str)
def test_it_gives(driver: Driver, case: Case) -> None:
    check(driver, case)


def test_code_makes_a_file(driver: Driver) -> None:
    source = (
        "return [{json: {}, binary: {data: await this.helpers.prepareBinaryData(Buffer.from('abc'), 'a.txt', 'text/plain')}}]"
    )
    execution = check(driver, of("code", "", {"jsCode": source}, [{}], [[{}]], 2))
    made = execution.last_items()[0]["binary"]["data"]
    assert (made["data"], made["fileName"], made["mimeType"]) == ("YWJj", "a.txt", "text/plain")
