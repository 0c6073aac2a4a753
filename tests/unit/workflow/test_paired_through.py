"""An item is traced back through each node that passes items on, sorts them out, sorts them, or makes others of them one by one."""

from typing import Any

import pytest

from tests.unit.workflow.build import code, node, workflow
from workflow.core.driver import Driver

START = node("Start", "manualTrigger")
THREE = code("Gen", "return [1, 2, 3].map(i => ({json: {i}}))")
OVER_ONE = {
    "options": {},
    "combinator": "and",
    "conditions": [{"leftValue": "={{ $json.i }}", "rightValue": 1, "operator": {"type": "number", "operation": "gt"}}],
}
DESCENDING = {"sortFieldsUi": {"sortField": [{"fieldName": "i", "order": "descending"}]}}
SET = {"mode": "manual", "assignments": {"assignments": [{"name": "z", "type": "number", "value": "={{ $json.i }}"}]}}
SUM = {"fieldsToSummarize": {"values": [{"aggregation": "sum", "field": "i"}]}, "fieldsToSplitBy": "i"}

ALL, LATER, REVERSED = [1, 2, 3], [2, 3], [3, 2, 1]


@pytest.mark.parametrize(
    ("kind", "version", "parameters", "origins"),
    [
        ("noOp", 1, {}, ALL),
        ("filter", 2.2, {"conditions": OVER_ONE}, LATER),
        ("if", 2.2, {"conditions": OVER_ONE}, LATER),
        ("switch", 3.2, {"mode": "rules", "rules": {"values": [{"conditions": OVER_ONE}]}}, LATER),
        ("set", 3.4, SET, ALL),
        ("sort", 1, DESCENDING, REVERSED),
        ("limit", 1, {"maxItems": 2, "keep": "lastItems"}, LATER),
        ("itemLists", 3, {"operation": "limit", "maxItems": 2}, [1, 2]),
        ("removeDuplicates", 1, {"compare": "allFields"}, ALL),
        ("renameKeys", 1, {"keys": {"key": [{"currentKey": "i", "newKey": "j"}]}}, ALL),
        ("dateTime", 2, {"operation": "getCurrentDate"}, ALL),
        ("crypto", 1, {"action": "hash", "value": "={{ $json.i }}"}, ALL),
        ("html", 1.2, {"operation": "generateHtmlTemplate", "html": "x"}, ALL),
        ("markdown", 1, {"mode": "markdownToHtml", "markdown": "# x"}, ALL),
        ("xml", 1, {"mode": "jsonToxml"}, ALL),
        ("convertToFile", 1.1, {"operation": "toJson", "mode": "each"}, ALL),
        ("moveBinaryData", 1, {"mode": "jsonToBinary"}, ALL),
        ("code", 2, {"mode": "runOnceForEachItem", "jsCode": "return {json: {a: $json.i}}"}, ALL),
        ("code", 2, {"jsCode": "return $input.all().map(item => ({json: {k: item.json.i}}))"}, ALL),
        ("code", 2, {"jsCode": "return $input.all().reverse()"}, REVERSED),
        ("function", 1, {"functionCode": "return items.reverse()"}, REVERSED),
        ("functionItem", 1, {"functionCode": "item.a = 1; return item"}, ALL),
        ("splitOut", 1, {"fieldToSplitOut": "i"}, ALL),
        ("summarize", 1, SUM, ALL),
        ("compareDatasets", 2.3, {"mergeByFields": {"values": [{"field1": "i", "field2": "i"}]}}, ALL),
        ("merge", 3, {"mode": "append"}, ALL),
        ("executionData", 1, {"operation": "save", "dataToSave": {"values": []}}, ALL),
        ("wait", 1.1, {"amount": 1, "unit": "seconds"}, ALL),
    ],
)
def test_an_item_knows_where_it_came_from(
    kind: str, version: float, parameters: dict[str, Any], origins: list[int], driver: Driver
) -> None:
    look = node("Look", "set", {"mode": "raw", "jsonOutput": "={{ {from: $('Gen').item.json.i} }}"}, version=3.4)
    between = node("Between", kind, parameters, version=version)
    execution = driver.run(workflow(START, THREE, between, look, links=["Start → Gen → Between → Look"]))
    assert execution.failure is None, execution.failure
    assert [item["json"]["from"] for item in (execution.runs["Look"][0].outputs or [[]])[0] or ()] == origins


def test_items_that_went_round_a_loop_know_it_too(driver: Driver) -> None:
    look = node("Look", "set", {"mode": "raw", "jsonOutput": "={{ {from: $('Gen').item.json.i} }}"}, version=3.4)
    nodes = (START, THREE, node("Loop", "splitInBatches", {"batchSize": 2}, version=3), node("In", "noOp"), look)
    execution = driver.run(workflow(*nodes, links=["Start → Gen → Loop → Look", "Loop:1 → In → Loop"]))
    assert [item["json"]["from"] for item in (execution.runs["Look"][0].outputs or [[]])[0] or ()] == ALL
