"""The plainest expressions without V8: paths of `$json`, texts with such paths in them, and arithmetic or comparison of numbers.

Most expressions of real workflows are no more than that, and a call of V8 costs two changes of thread. What is computed here is what
V8 would give; wherever that is not certain (another type, a field of a prototype, a number too large to be exact) the answer is
`DECLINED`, and V8 evaluates the node. A property test compares the two.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from workflow.expressions.parameters import AS_JSON, UNDEFINED

DECLINED: Final = object()
_EXACT: Final = 2**53
_LONGEST: Final = 2000
"""A longer text is nothing plain, and the patterns here would take a time that grows with its square, in which the engine stands still."""

_CHUNK: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PATH: Final = re.compile(r"""\$json((?:\??\.[A-Za-z_]\w*|(?:\?\.)?\[\s*(?:\d+|"[^"\\]*"|'[^'\\]*')\s*\])*)$""")
_STEP: Final = re.compile(r"""\.?\[\s*(?:(\d+)|"([^"]*)"|'([^']*)')\s*\]|\.([A-Za-z_]\w*)""")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$")
_BINARY: Final = re.compile(r"(.+?)\s*(===|!==|>=|<=|[+\-*/<>])\s*(.+)$", re.DOTALL)
_WORDS: Final = {"true": True, "false": False, "null": None}

_INHERITED: Final = frozenset(
    [
        "constructor",
        "toString",
        "toLocaleString",
        "valueOf",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "__proto__",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    ]
)
"""What every object of the runtime has: a field of that name that is not there is no `undefined`."""

_FORBIDDEN: Final = frozenset(["__proto__", "prototype", "constructor", "getPrototypeOf", "setPrototypeOf", "defineProperty"])
"""What may not be named, as `rewrite.js` says; it has the words for it."""

Plain = Callable[[Mapping[str, Any]], Any]


@lru_cache(maxsize=4096)
def compile_simple(sources: tuple[str, ...]) -> tuple[Plain, ...] | None:
    """One function of `$json` for each source; None where any of them is more than plain."""
    found = tuple(_text(source) for source in sources)
    return found if all(each is not None for each in found) else None  # type: ignore[return-value]


def evaluate(programs: Sequence[Plain], items: Sequence[Mapping[str, Any]], indices: Sequence[int]) -> list[list[Any]] | None:
    """A row of values for each index; None where one of them is for V8."""
    rows: list[list[Any]] = []
    for index in indices:
        json = items[index]["json"] if index < len(items) else {}
        row = [program(json) for program in programs]
        if DECLINED in row:
            return None
        rows.append(row)
    return rows


def _text(source: str) -> Plain | None:
    if len(source) > _LONGEST or "\\" in source or source.startswith(AS_JSON):
        return None
    chunks = list(_CHUNK.finditer(source))
    if not chunks:
        return None if "{{" in source else lambda _: source
    programs = [_expression(chunk.group(1).strip()) for chunk in chunks]
    if any(program is None for program in programs):
        return None
    known = [program for program in programs if program is not None]
    if len(known) == 1 and chunks[0].group(0) == source:
        return known[0]
    ends = [0, *(chunk.end() for chunk in chunks)]
    texts = [source[start : chunk.start()] for start, chunk in zip(ends, chunks, strict=False)]
    rest = source[ends[-1] :]
    if "{{" in rest:
        return None
    return lambda json: _joined([(text, _written(program(json))) for text, program in zip(texts, known, strict=True)], rest)


def _joined(parts: list[tuple[str, Any]], rest: str) -> Any:
    if any(value is DECLINED for _, value in parts):
        return DECLINED
    return "".join(text + value for text, value in parts) + rest


def _written(value: Any) -> Any:
    """As JavaScript writes it into a text."""
    if isinstance(value, str):
        return value
    if value is None or value is UNDEFINED:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and -_EXACT < value < _EXACT:
        return str(value)
    return DECLINED


def _expression(code: str) -> Plain | None:
    operand = _operand(code)
    if operand is not None:
        return operand
    found = _BINARY.match(code)
    if found is None:
        return None
    left, right = _operand(found.group(1).strip()), _operand(found.group(3).strip())
    if left is None or right is None:
        return None
    compute = _OPERATORS[found.group(2)]
    return lambda json: _computed(compute, left(json), right(json))


def _operand(code: str) -> Plain | None:
    if code in _WORDS:
        word = _WORDS[code]
        return lambda _: word
    if _NUMBER.match(code):
        number = _number(float(code) if "." in code else int(code))
        return lambda _: number
    found = _PATH.match(code)
    if found is None:
        return None
    steps = [
        int(number) if number else double or single or name for number, double, single, name in _STEP.findall(found.group(1))
    ]
    return None if _FORBIDDEN.intersection(map(str, steps)) else lambda json: _walk(json, steps)


def _walk(value: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(value, Mapping):
            name = str(step)
            if name in value:
                value = value[name]
            elif name in _INHERITED:
                return DECLINED
            else:
                value = UNDEFINED
        elif isinstance(value, list):
            if not isinstance(step, int):
                return DECLINED
            value = value[step] if step < len(value) else UNDEFINED
        elif value is None or value is UNDEFINED:
            return UNDEFINED
        else:
            return DECLINED
    # JavaScript has one kind of number: one that it could not hold exactly is V8's to say.
    if isinstance(value, float) or (isinstance(value, int) and not -_EXACT < value < _EXACT):
        return _number(value)
    return DECLINED if isinstance(value, dict | list) else value


def _number(value: float) -> Any:
    """A number as V8 would hand it back: a whole one without a fraction."""
    if isinstance(value, float) and value.is_integer() and value != 0:
        value = int(value)
    if isinstance(value, int):
        return value if -_EXACT < value < _EXACT else DECLINED
    return value if value == value and 1e-6 <= abs(value) < 1e15 else DECLINED


def _computed(compute: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if not _is_number(left) or not _is_number(right):
        return DECLINED
    if compute is operator.truediv and right == 0:
        return DECLINED
    result = compute(left, right)
    if isinstance(result, bool):
        return result
    return _number(result) if result != 0 else DECLINED if isinstance(result, float) else 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "===": operator.eq,
    "!==": operator.ne,
}
