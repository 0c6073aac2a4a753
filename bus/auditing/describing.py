"""What a record tells of a request: pure. Only what is known to be harmless is told by its value, everything else by its kind and size.

So a field that somebody adds tomorrow, and that holds a secret, is not told either.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, SecretStr

HIDDEN: Final = "(secret)"
"""Of what is hidden wherever it is shown, such as a password: not even how long it is."""
MOST_CHARACTERS: Final = 500
MOST_OF_A_VALUE: Final = 100
NAMES: Final = (
    *("id", "name", "agent_id", "alias", "model", "task_id", "execution_id", "workflow_id", "rule"),
    *("owner", "title", "node", "source", "target", "unit", "period", "kind", "role", "tenant", "agents", "models", "sub"),
)
"""Fields whose text people may see: names of things. The first that a request or an answer has says what it was about."""
_ABOUT: Final = NAMES[:9]


def about(body: BaseModel | None, answer: BaseModel | None = None) -> str | None:
    """The id, or the name, of what is changed; of what is made now only the answer knows it."""
    for said in (body, answer, getattr(answer, "record", None)):
        for name in _ABOUT:
            value = getattr(said, name, None)
            if isinstance(value, str | UUID) and str(value):
                return _cut(str(value), 255)
    return None


def summary(body: BaseModel) -> str:
    """The fields that were given."""
    given = {name: field for name, field in type(body).model_fields.items() if name in body.model_fields_set}
    said = {name: _told(name, getattr(body, name)) if field.repr else HIDDEN for name, field in given.items()}
    return _cut(", ".join(f"{name}={value}" for name, value in said.items()), MOST_CHARACTERS)


def _told(name: str, value: Any) -> str:
    match value:
        case None:
            return "null"
        case SecretStr():
            return HIDDEN
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case int() | float() | UUID() | datetime() | date():
            return str(value)
        case str():
            return _cut(value, MOST_OF_A_VALUE) if name in NAMES else f"({len(value):,} characters)"
        case Mapping():
            return f"({_counted(len(value), 'field')})"
        case Sequence() | frozenset() | set():
            if name in NAMES and all(isinstance(each, str) for each in value):
                return _cut("+".join(value), MOST_OF_A_VALUE)
            return f"({_counted(len(value), 'item')})"
        case _:
            return "(given)"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _cut(text: str, most: int) -> str:
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain if len(plain) <= most else f"{plain[: most - 2]} …"
