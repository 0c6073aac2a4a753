"""Values as JavaScript sees them, where a node's result depends on it: text, truth, numbers, types, equality."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic_core import to_json


def text_of(value: Any) -> str:
    """`String(value)`, but lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, Mapping | list | tuple):
        return json_text(value)
    return str(value)


def json_text(value: Any) -> str:
    """`JSON.stringify(value)`."""
    return to_json(value, inf_nan_mode="null").decode()


def read_json(text: str) -> Any:
    """`JSON.parse(text)`: numbers are those of JavaScript, which have no more than 53 bits. Raises ValueError, also for NaN and Infinity."""
    return json.loads(text, parse_int=_js_number, parse_float=_js_number, parse_constant=_no_constant)


def _js_number(text: str) -> float | int:
    number = float(text)
    return int(Decimal(repr(number))) if number.is_integer() and abs(number) < 1e21 else number


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def number_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


def type_of(value: Any) -> str:
    """`typeof value`, with lists told apart and nothing as `null`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_of(value: Any) -> float | int | None:
    """A number, or the number that a text writes; None for what is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or not value.strip() or "_" in value:
        return None
    text = value.strip()
    try:
        if text[:2].lower() in ("0x", "0b", "0o"):
            return int(text, 0)
        number = float(text)
    except ValueError:
        return None
    if math.isnan(number) or (math.isinf(number) and "nf" not in text):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def boolean_of(value: Any) -> bool | None:
    """A boolean, or what n8n takes for one; None for what it does not."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if is_number(value) and value in (0, 1):
        return bool(value == 1)
    return None


def parsed(value: Any, kind: type[Any]) -> Any:
    """A list or object, or the one that a JSON text holds; None for what is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, kind) else None


def truthy(value: Any) -> bool:
    """JavaScript's truth: empty lists and objects are true."""
    if isinstance(value, list | Mapping):
        return True
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def names_in(value: Any) -> list[str]:
    """Names separated by commas, or a list of them."""
    parts = value if isinstance(value, list) else text_of(value).split(",")
    return [name for part in parts if (name := text_of(part).strip())]


def same(left: Any, right: Any) -> bool:
    """Deep equality that keeps booleans and numbers apart."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def key_of(value: Any) -> Any:
    """Something hashable that is equal for values that are `same`."""
    if isinstance(value, Mapping | list):
        return json.dumps(value, sort_keys=True)
    return (type_of(value), value)
