"""One field of a form, and the words in which the tables of fields are written. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field as Extra
from pydantic import JsonValue

from bus.messages import Message


class FieldKind(StrEnum):
    TEXT = "text"
    AREA = "area"
    CODE = "code"
    JSON = "json"
    """A text that is to be JSON."""
    VALUE = "value"
    """Whatever JSON can say, kept as what it says."""
    NUMBER = "number"
    SELECT = "select"
    SWITCH = "switch"
    SEVERAL = "several"
    """A list of some of the options."""
    WORDS = "words"
    """A list of texts, written with commas."""
    LOCATOR = "locator"
    """What n8n calls a resource locator: a value, and whether it is an id, a name or an address."""
    GROUP = "group"
    """An object with fields of its own."""
    ROWS = "rows"
    """A list of objects, each with the same fields."""
    ADDED = "added"
    """An object whose fields are there only once somebody adds them: n8n's options."""
    PAIRS = "pairs"
    """An object whose names nobody knows."""
    ASSIGNMENTS = "assignments"
    CONDITIONS = "conditions"
    RULES = "rules"
    """Of a Switch: conditions for each output."""
    OLDER_CONDITIONS = "older_conditions"
    OLDER_RULES = "older_rules"
    SCHEDULE = "schedule"


When = Mapping[str, tuple[str, ...]]


class Field(Message):
    """`name` is the way to the parameter, its parts separated by dots; that of a field within another begins there.

    `when`: fields that decide whether this one matters, each with the values for which it does; a name that begins with `/` is looked for
    among the node's own fields. `since`: the version of the type that has it first, `before`: the first that has it no more. `one`: what a
    row is called. `words`: what options are called that do not speak for themselves. `starts`: what a new row or group has. `source`: of what list the value
    is (`gui/workflows/filling.py`)."""

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    default: JsonValue = None
    options: tuple[str | int, ...] = ()
    words: dict[str, str] = Extra(default_factory=dict)
    when: dict[str, tuple[str, ...]] = Extra(default_factory=dict)
    since: float = 1
    before: float | None = None
    fields: tuple["Field", ...] = ()
    one: str | None = None
    starts: dict[str, JsonValue] = Extra(default_factory=dict)
    hint: str | None = None
    source: str | None = None


Option = str | int | tuple[str, str]
"""Of a choice: its value, with what a person calls it where the value does not say it."""


def text(name: str, label: str, default: str | None = None, hint: str | None = None) -> Field:
    return Field(name=name, label=label, default=default, hint=hint)


def area(name: str, label: str, hint: str | None = None) -> Field:
    return Field(name=name, label=label, kind=FieldKind.AREA, hint=hint)


def code(name: str, label: str) -> Field:
    return Field(name=name, label=label, kind=FieldKind.CODE)


def json(name: str, label: str, hint: str | None = None) -> Field:
    return Field(name=name, label=label, kind=FieldKind.JSON, hint=hint)


def number(name: str, label: str, default: float | None = None, hint: str | None = None) -> Field:
    return Field(name=name, label=label, kind=FieldKind.NUMBER, default=default, hint=hint)


def switch(name: str, label: str, default: bool = False) -> Field:
    return Field(name=name, label=label, kind=FieldKind.SWITCH, default=default)


def _choice(kind: FieldKind, name: str, label: str, options: tuple[Option, ...], default: JsonValue) -> Field:
    values = tuple(each[0] if isinstance(each, tuple) else each for each in options)
    words = dict(each for each in options if isinstance(each, tuple))
    return Field(name=name, label=label, kind=kind, default=default, options=values, words=words)


def select(name: str, label: str, *options: Option, default: str | None = None) -> Field:
    """The first option is the default where none is named."""
    first = options[0][0] if isinstance(options[0], tuple) else options[0]
    return _choice(FieldKind.SELECT, name, label, options, first if default is None else default)


def several(name: str, label: str, *options: Option) -> Field:
    return _choice(FieldKind.SEVERAL, name, label, options, None)


def words(name: str, label: str) -> Field:
    return Field(name=name, label=label, kind=FieldKind.WORDS)


def locator(name: str, label: str, *ways: Option, source: str | None = None) -> Field:
    return _choice(FieldKind.LOCATOR, name, label, ways, None).model_copy(update={"source": source})


def group(name: str, label: str, *fields: Field, starts: Mapping[str, Any] | None = None) -> Field:
    return Field(name=name, label=label, kind=FieldKind.GROUP, fields=fields, starts=dict(starts or {}))


def rows(name: str, label: str, one: str, *fields: Field, starts: Mapping[str, Any] | None = None) -> Field:
    return Field(name=name, label=label, kind=FieldKind.ROWS, one=one, fields=fields, starts=dict(starts or {}))


def pairs(name: str, label: str, one: str = "field") -> Field:
    return Field(name=name, label=label, kind=FieldKind.PAIRS, one=one)


def added(*fields: Field, name: str = "options", label: str = "Options") -> Field:
    return Field(name=name, label=label, kind=FieldKind.ADDED, fields=fields)


def on(**when: str | tuple[str, ...]) -> When:
    return {name: (values,) if isinstance(values, str) else values for name, values in when.items()}


def given(when: When, *fields: Field) -> tuple[Field, ...]:
    """Fields that matter only there, beside what each says itself."""
    return tuple(field.model_copy(update={"when": {**when, **field.when}}) for field in fields)


def since(version: float, *fields: Field) -> tuple[Field, ...]:
    return tuple(field.model_copy(update={"since": max(version, field.since)}) for field in fields)


def until(version: float, *fields: Field) -> tuple[Field, ...]:
    return tuple(field.model_copy(update={"before": min(version, field.before or version)}) for field in fields)
