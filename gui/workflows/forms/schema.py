"""The fields of a JSON Schema, as tools of MCP servers have one. Pure."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from gui.workflows.forms.fields import Field, FieldKind

_DEEPEST: Final = 4
"""Of objects within objects; what lies deeper is one field of JSON."""
_KINDS: Final = {
    "string": FieldKind.TEXT,
    "integer": FieldKind.NUMBER,
    "number": FieldKind.NUMBER,
    "boolean": FieldKind.SWITCH,
}


def fields_of_schema(schema: Mapping[str, JsonValue], depth: int = 0) -> tuple[Field, ...]:
    """A name with a dot in it is left out: it would be a way to something else."""
    properties, needed = schema.get("properties"), schema.get("required")
    required = needed if isinstance(needed, list) else []
    named = properties.items() if isinstance(properties, dict) else ()
    return tuple(_field(name, _plain(about), name in required, depth) for name, about in named if name and "." not in name)


def _plain(about: JsonValue) -> Mapping[str, JsonValue]:
    """Without the `null` that stands beside what a field may be."""
    if not isinstance(about, dict):
        return {}
    for word in ("anyOf", "oneOf"):
        ways = about.get(word)
        if isinstance(ways, list):
            others = [each for each in ways if isinstance(each, dict) and each.get("type") != "null"]
            if len(others) == 1:
                return {**about, **others[0]}
    kinds = about.get("type")
    if isinstance(kinds, list):
        others_named = [each for each in kinds if each != "null"]
        return {**about, "type": others_named[0] if len(others_named) == 1 else None}
    return about


def _field(name: str, about: Mapping[str, JsonValue], required: bool, depth: int) -> Field:
    title, told = about.get("title"), about.get("description")
    label = f"{title if isinstance(title, str) and title else name}{' *' if required else ''}"
    field = Field(name=name, label=label, kind=FieldKind.VALUE, hint=told if isinstance(told, str) else None)
    return field.model_copy(update=_how(about, depth))


def _how(about: Mapping[str, JsonValue], depth: int) -> dict[str, object]:
    """What neither has a plain type nor is made of such is written as JSON."""
    given = about.get("default")
    default = given if isinstance(given, str | int | float | bool) else None
    options, kind = about.get("enum"), str(about.get("type"))
    if isinstance(options, list) and options and all(isinstance(option, str) for option in options):
        return {"kind": FieldKind.SELECT, "default": default, "options": tuple(options)}
    if kind in _KINDS:
        return {"kind": _KINDS[kind], "default": default}
    if kind == "object" and depth < _DEEPEST and (inner := fields_of_schema(about, depth + 1)):
        return {"kind": FieldKind.GROUP, "fields": inner}
    if kind == "array":
        return _list(_plain(about.get("items")), depth)
    return {}


def _list(each: Mapping[str, JsonValue], depth: int) -> dict[str, object]:
    options, kind = each.get("enum"), each.get("type")
    if isinstance(options, list) and options and all(isinstance(option, str) for option in options):
        return {"kind": FieldKind.SEVERAL, "options": tuple(options)}
    if kind == "string":
        return {"kind": FieldKind.WORDS}
    if kind == "object" and depth < _DEEPEST and (inner := fields_of_schema(each, depth + 1)):
        return {"kind": FieldKind.ROWS, "fields": inner, "one": "entry"}
    return {}
