"""The fields that a form offers for a tool of an MCP server: as its schema has them, as far as they are plain."""

from typing import Any

import pytest

from bus.messages.node_types import NodeGroup, NodeTypeRecord
from gui.workflows.draft import told_types
from gui.workflows.forms import FIELDS, FieldKind, fields_of
from gui.workflows.ports import new_node


def kind(schema: Any, **more: Any) -> NodeTypeRecord:
    return NodeTypeRecord(name="hive.mcp.s.t", versions=(1,), group=NodeGroup.TOOL, parameters_schema=schema, **more)


def test_fields_are_those_of_the_schema() -> None:
    properties = {
        "zone": {"type": "string", "title": "Zone", "default": "UTC"},
        "many": {"type": "integer", "default": 5},
        "share": {"type": "number"},
        "deep": {"type": "boolean"},
        "how": {"type": "string", "enum": ["fast", "well"]},
        "whole": {"type": "object"},
        "a.b": {"type": "string"},
        "any": {},
        "odd": True,
    }
    found = fields_of(kind({"type": "object", "properties": properties, "required": ["zone"]}))
    assert [(each.name, each.label, each.kind, each.default, each.options) for each in found] == [
        ("zone", "Zone *", FieldKind.TEXT, "UTC", ()),
        ("many", "many", FieldKind.NUMBER, 5, ()),
        ("share", "share", FieldKind.NUMBER, None, ()),
        ("deep", "deep", FieldKind.SWITCH, None, ()),
        ("how", "how", FieldKind.SELECT, None, ("fast", "well")),
    ]


@pytest.mark.parametrize("schema", [{}, {"properties": []}, {"properties": {"x": {"type": "string"}}, "required": "x"}])
def test_a_schema_that_is_odd_breaks_no_form(schema: Any) -> None:
    assert len(fields_of(kind(schema))) == ("x" in str(schema))


def test_a_type_of_hive_s_own_has_the_fields_that_it_had() -> None:
    own = NodeTypeRecord(name="n8n-nodes-base.httpRequest", versions=(4.2,), group=NodeGroup.ACTION)
    assert "url" in {field.name for field in fields_of(own)}


def test_the_palette_is_told_of_titles_and_fields_and_of_no_schema() -> None:
    tool = kind({"properties": {"x": {"type": "string"}}}, title="What time it is")
    (told,) = told_types({tool.name: tool})["types"]
    assert (told["title"], [field["name"] for field in told["fields"]]) == ("What time it is", ["x"])
    assert "parameters_schema" not in told
    made = new_node(tool, (0, 0))
    assert (made["name"], made["type"], made["typeVersion"]) == ("What time it is", "hive.mcp.s.t", 1)


@pytest.mark.parametrize("name", ["if", "filter", "switch"])
@pytest.mark.parametrize("version", [1, 2, 2.3, 3.4])
def test_each_version_has_a_parameter_once(name: str, version: float) -> None:
    """As it is in the first versions, or as it is now."""
    found = [each.name for each in FIELDS[f"n8n-nodes-base.{name}"] if each.since <= version < (each.before or 99)]
    assert found
    assert len(found) == len(set(found))
