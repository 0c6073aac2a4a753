"""What every message has in common."""

from math import isfinite
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, StringConstraints

MAX_DEPTH = 32


class Message(BaseModel):
    """Frozen, with unknown fields ignored: what Hive's services say to each other."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Command(Message):
    """Asked for from outside: an unknown field is an error, because a typo there must not be silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Record(Message):
    """A statement of how something is, as the doors show it."""


class NoReply(Message):
    """The answer of a verb that has nothing to say beyond "done"."""


def _storable(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse what JSON or PostgreSQL's jsonb cannot hold (infinity, NUL) and nesting that exists only to exhaust a parser."""
    _check(value, 0)
    return value


def _check(value: JsonValue, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    match value:
        case str():
            _no_nul(value)
        case float() if not isfinite(value):
            raise ValueError("a number is too large, or is none")
        case dict():
            for key, inner in value.items():
                _no_nul(key)
                _check(inner, depth + 1)
        case list():
            for inner in value:
                _check(inner, depth + 1)


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("the character U+0000 cannot be stored; remove it")
    return value


Text = Annotated[str, AfterValidator(_no_nul)]
"""Text that PostgreSQL can hold: anything but U+0000."""

JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_storable)]
"""A JSON object of the user's own, such as `metadata` or a backend's `options`."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
"""The public id of an agent or a tenant, such as `acacia`: one subject token, safe in an address and in a shell."""

MAX_WORDS = 4096


def _bounded(words: str) -> str:
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS - 2]} …"


Words = Annotated[str, AfterValidator(_bounded)]
"""What somebody says about what went wrong, cut at MAX_WORDS characters: a backend may say megabytes, and events carry it on."""
