"""Labels as people type them."""

from collections.abc import Sequence

from bus.errors import InvalidRequest


def label_pairs(words: Sequence[str]) -> dict[str, str]:
    """`site=basement` as a label. InvalidRequest for what is none."""
    if wrong := [word for word in words if "=" not in word]:
        raise InvalidRequest(f"The label {wrong[0]} has no value. Write it as name=value.")
    return dict(word.partition("=")[::2] for word in words)


def label_changes(words: Sequence[str]) -> dict[str, str | None]:
    """InvalidRequest for what is neither `name=value` nor `name-`."""
    changes: dict[str, str | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals and not name.endswith("-"):
            raise InvalidRequest(f"{word} is no label. Write name=value, or name- to take one back.")
        changes[name if equals else name[:-1]] = value if equals else None
    return changes
