"""What code returned, as items. Messages as those of JavaScript's code, so that the two languages fail alike. Standard library only."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_KEYS: Final = frozenset({"json", "binary", "pairedItem", "error", "index"})
_MARKS: Final = frozenset({"json", "binary", "pairedItem", "error"})
_HELP: Final = "Please return a list of dictionaries, one for each item you want to output."


class ShapeError(Exception):
    """It is no item. Always the node's failure, whatever its `onError` says."""

    def __init__(self, message: str, description: str, index: int | None = None) -> None:
        super().__init__(message if index is None else f"{message} [item {index}]")
        self.description = description
        self.index = index


def shape_all(result: Any) -> list[dict[str, Any]]:
    """A list of dictionaries, or one."""
    if isinstance(result, dict):
        _check(result, 0)
        return [_item(result)]
    if not isinstance(result, list | tuple):
        raise ShapeError("Code doesn't return items properly", _HELP)
    for index, item in enumerate(result):
        if not isinstance(item, dict):
            raise ShapeError("Code doesn't return items properly", _HELP, index)
    if any(_MARKS & item.keys() for item in result):
        for index, item in enumerate(result):
            _check(item, index, strict=True)
    return [_item(item) for item in result]


def shape_each(result: Any, index: int) -> dict[str, Any] | None:
    """A dictionary; None drops the item."""
    if result is None:
        return None
    if isinstance(result, list | tuple):
        about = "Please return a dictionary representing the output item. (A list was returned instead.)"
        raise ShapeError("Code doesn't return a single object", about, index)
    if not isinstance(result, dict):
        about = f"Please return a dictionary representing the output item. ('{result}' was returned instead.)"
        raise ShapeError("Code doesn't return an object", about, index)
    _check(result, index)
    return {**_item(result), "pairedItem": {"item": index}}


def _check(item: dict[str, Any], index: int, *, strict: bool = False) -> None:
    if not strict and not _MARKS & item.keys():
        return
    for key in item:
        if key not in _KEYS:
            about = 'Access the properties of an item under `["json"]`, e.g. `item["json"]`'
            raise ShapeError(f"Unknown top-level item key: {key}", about, index)
    for name in ("json", "binary"):
        value = item.get(name)
        if value is not None and not isinstance(value, dict):
            about = f"In the returned data, every key named '{name}' must point to a dictionary."
            raise ShapeError(f"A '{name}' property isn't a dictionary", about, index)


def _item(value: dict[str, Any]) -> dict[str, Any]:
    if not _MARKS & value.keys():
        return {"json": value}
    made: dict[str, Any] = {"json": value.get("json") or {}}
    for name in ("binary", "error"):
        if value.get(name):
            made[name] = value[name]
    if value.get("pairedItem") is not None:
        made["pairedItem"] = value["pairedItem"]
    return made
