"""The fields that a form offers: for every node that Hive runs, and for a tool of an MCP server as its schema has them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bus.messages.node_types import NodeGroup, NodeTypeRecord
from gui.workflows.draft import told_types
from gui.workflows.filling import told_fields
from gui.workflows.forms.catalogue import FIELDS, fields_of
from gui.workflows.forms.fields import Field, FieldKind
from gui.workflows.ports import new_node
from workflow.nodes.catalogue import registry
from workflow.nodes.listing import listed

RECORDED = Path(__file__).parents[3] / "data" / "n8n"
OWN = {record.name: record for record in listed(registry()).types}
NOTHING_TO_SET = {
    "chainSummarization",
    "errorTrigger",
    "manualChatTrigger",
    "manualTrigger",
    "noOp",
    "outputParserAutofixing",
    "start",
    "toolCalculator",
}
WHOLE = {FieldKind.CONDITIONS, FieldKind.RULES, FieldKind.OLDER_CONDITIONS, FieldKind.OLDER_RULES}
WHOLE |= {FieldKind.SCHEDULE, FieldKind.ASSIGNMENTS, FieldKind.PAIRS, FieldKind.LOCATOR, FieldKind.SEVERAL, FieldKind.WORDS}
"""What is below them is theirs."""
LEFT_TO_JSON = {
    "executeWorkflow": {
        "workflowInputs.mappingMode",
        "workflowInputs.schema",
        "workflowInputs.attemptToConvertTypes",
        "workflowInputs.convertFieldsToString",
    },
    "removeDuplicates": {"operation"},
}
"""What n8n's editor writes beside what somebody chose, or in a version that does not read it."""


def kind(schema: Any, **more: Any) -> NodeTypeRecord:
    return NodeTypeRecord(name="hive.mcp.s.t", versions=(1,), group=NodeGroup.TOOL, parameters_schema=schema, **more)


def within(fields: Sequence[Field], version: float) -> list[Field]:
    return [field for field in fields if field.since <= version < (field.before or 99)]


def test_every_node_has_a_form_or_nothing_to_set() -> None:
    found = {name: fields_of(record) for name, record in OWN.items()}
    assert [name for name, fields in found.items() if fields is None] == []
    assert {name.rpartition(".")[2] for name, fields in found.items() if not fields} == NOTHING_TO_SET


def test_no_field_is_of_a_node_that_hive_does_not_run() -> None:
    names = {name.rpartition(".")[2] for name in OWN} | set(OWN)
    assert set(FIELDS) - names == set()


def walked(fields: Sequence[Field], before: str = "") -> Iterator[tuple[str, Field]]:
    for field in fields:
        yield f"{before}{field.name}", field
        yield from walked(field.fields, f"{before}{field.name}.")


@pytest.mark.parametrize("name", sorted(OWN))
def test_what_a_field_depends_on_is_there(name: str) -> None:
    """A word that is misspelt would hide a field for ever."""
    for version in OWN[name].versions:
        top = within(fields_of(OWN[name]) or (), version)
        _check(top, top, version)


def _check(fields: Sequence[Field], top: Sequence[Field], version: float) -> None:
    for field in fields:
        for word, values in field.when.items():
            among = top if word.startswith("/") else fields
            others = [each for each in among if each.name == word.removeprefix("/")]
            if not others:
                assert "" in values or field.before is not None, f"{field.name} depends on {word}, which is not there"
            for each in others:
                if each.kind is FieldKind.SELECT and each.source is None:
                    assert set(values) & set(map(str, each.options)) or len(others) > 1, (
                        f"{field.name}: {word} has none of {values}"
                    )
        _check(within(field.fields, version), top, version)


@pytest.mark.parametrize("name", sorted(OWN))
def test_no_two_fields_of_a_version_are_the_same_unless_something_decides(name: str) -> None:
    for version in OWN[name].versions:
        seen: list[tuple[str, str, Any]] = []
        for field in within(fields_of(OWN[name]) or (), version):
            key = (field.name, field.kind, tuple(sorted(field.when.items())))
            assert key not in seen, f"{field.name} is there twice in version {version}"
            seen.append(key)


def nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("type") in OWN and isinstance(value.get("parameters"), Mapping):
            yield value
        for each in value.values():
            yield from nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from nodes(each)


def unknown(given: Any, fields: Sequence[Field], version: float, path: str = "") -> Iterator[str]:
    """Ways to values that no field of the version stands for, whatever else is set."""
    here = within(fields, version)
    for name, value in given.items():
        way = f"{path}{name}"
        exact = [field for field in here if field.name == name]
        deeper = [field for field in here if field.name.startswith(f"{name}.")]
        if any(field.kind in WHOLE for field in exact) or (exact and not isinstance(value, dict | list)):
            continue
        if isinstance(value, list) and exact:
            for row in value:
                yield from unknown(row, exact[0].fields, version, f"{way}[].")
        elif isinstance(value, dict) and (exact or deeper):
            inner = [each for field in exact for each in field.fields]
            inner += [field.model_copy(update={"name": field.name.partition(".")[2]}) for field in deeper]
            yield from unknown(value, inner, version, f"{way}.")
        elif value not in ({}, []):
            yield way


def test_what_recorded_workflows_of_n8n_set_has_a_field() -> None:
    missing: dict[str, set[str]] = {}
    for file in sorted(RECORDED.rglob("*.json")):
        for node in nodes(json.loads(file.read_text())):
            short = str(node["type"]).rpartition(".")[2]
            version = float(node.get("typeVersion", 1))
            found = set(unknown(node["parameters"], fields_of(OWN[node["type"]]) or (), version)) - LEFT_TO_JSON.get(
                short, set()
            )
            missing.setdefault(short, set()).update(found)
    assert {name: found for name, found in missing.items() if found} == {}


def test_fields_are_those_of_the_schema() -> None:
    properties = {
        "zone": {"type": "string", "title": "Zone", "default": "UTC", "description": "Where"},
        "many": {"type": "integer", "default": 5},
        "share": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "deep": {"type": ["boolean", "null"]},
        "how": {"type": "string", "enum": ["fast", "well"]},
        "whole": {"type": "object"},
        "a.b": {"type": "string"},
        "any": {},
        "odd": True,
        "tags": {"type": "array", "items": {"type": "string"}},
        "days": {"type": "array", "items": {"enum": ["mon", "tue"]}},
        "point": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}},
    }
    found = fields_of(kind({"type": "object", "properties": properties, "required": ["zone"]}))
    assert found is not None
    assert [(each.name, each.label, each.kind, each.default, each.options) for each in found] == [
        ("zone", "Zone *", FieldKind.TEXT, "UTC", ()),
        ("many", "many", FieldKind.NUMBER, 5, ()),
        ("share", "share", FieldKind.NUMBER, None, ()),
        ("deep", "deep", FieldKind.SWITCH, None, ()),
        ("how", "how", FieldKind.SELECT, None, ("fast", "well")),
        ("whole", "whole", FieldKind.VALUE, None, ()),
        ("any", "any", FieldKind.VALUE, None, ()),
        ("odd", "odd", FieldKind.VALUE, None, ()),
        ("tags", "tags", FieldKind.WORDS, None, ()),
        ("days", "days", FieldKind.SEVERAL, None, ("mon", "tue")),
        ("point", "point", FieldKind.GROUP, None, ()),
        ("lines", "lines", FieldKind.ROWS, None, ()),
    ]
    assert (found[0].hint, found[10].fields[0].label, found[11].fields[0].name) == ("Where", "x *", "text")


def test_a_schema_without_an_end_has_one() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(10):
        deep = {"type": "object", "properties": {"in": deep}}
    (field,) = fields_of(kind(deep)) or ()
    steps = 0
    while field.fields:
        (field,), steps = field.fields, steps + 1
    assert (field.kind, steps < 8) == (FieldKind.VALUE, True)


@pytest.mark.parametrize("schema", [{}, {"properties": []}, {"properties": {"x": {"type": "string"}}, "required": "x"}])
def test_a_schema_that_is_odd_breaks_no_form(schema: Any) -> None:
    assert len(fields_of(kind(schema)) or ()) == ("x" in str(schema))


def test_a_type_that_nobody_knows_is_written_as_json() -> None:
    assert fields_of(NodeTypeRecord(name="acme.unheardOf", versions=(1,), group=NodeGroup.DATA)) is None
    assert fields_of(kind(None)) is None


def test_a_node_as_a_tool_says_what_it_is_for() -> None:
    found = fields_of(OWN["n8n-nodes-base.httpRequestTool"]) or ()
    assert {"toolDescription", "url"} <= {field.name for field in found}


def test_the_palette_is_told_of_titles_and_a_form_of_fields() -> None:
    tool = kind({"properties": {"x": {"type": "string"}}}, title="What time it is")
    (told,) = told_types({tool.name: tool})["types"]
    assert told["title"] == "What time it is"
    assert not {"fields", "parameters_schema"} & set(told)
    assert told_fields(tool) == [{"name": "x", "label": "x"}]
    made = new_node(tool, (0, 0))
    assert (made["name"], made["type"], made["typeVersion"]) == ("What time it is", "hive.mcp.s.t", 1)


@pytest.mark.parametrize("name", ["if", "filter", "switch"])
@pytest.mark.parametrize("version", [1, 2, 2.3, 3.4])
def test_each_version_has_a_parameter_once(name: str, version: float) -> None:
    """As it is in the first versions, or as it is now."""
    found = [each.name for each in within(FIELDS[name], version)]
    assert found
    assert len(found) == len(set(found))
