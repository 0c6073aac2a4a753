"""The process that code runs in: takes one call as JSON, confines itself, runs the code, answers with JSON. Standard library only.

    program PARENT_PID MEMORY_BYTES SECONDS confined|unconfined

It is started with `-I -S`: no environment, no packages but Python's own.
"""

from __future__ import annotations

import _ast
import json
import os
import sys

from workflow.python import confine
from workflow.python.names import Record, View
from workflow.python.shape import ShapeError, shape_all, shape_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

FILE: Final = "<code>"
LOG_LINES: Final = 200
LOG_LETTERS: Final = 2000
_CLOSED: Final = "Code has no files, no network and no other processes here. Use the nodes for them, before or after this one."


class Output:
    """What is printed, line by line, as far as it is kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open = ""

    def write(self, text: str) -> int:
        *whole, rest = (self._open + text[: LOG_LETTERS * LOG_LINES]).split("\n")
        self.lines += [line[:LOG_LETTERS] for line in whole[: LOG_LINES - len(self.lines)]]
        self._open = rest[:LOG_LETTERS]
        return len(text)

    def flush(self) -> None:
        """Nothing is held back for long."""

    def all(self) -> list[str]:
        return [*self.lines, self._open][:LOG_LINES] if self._open else self.lines


def main() -> None:
    parent, memory_bytes, seconds, how = sys.argv[1:]
    confine.tie(int(parent))
    answer = os.dup(1)
    call = json.loads(sys.stdin.buffer.read())
    _close_streams()
    confine.limit(memory_bytes=int(memory_bytes), seconds=int(seconds))
    if how == "confined":
        try:
            confine.confine()
        except (confine.Unconfined, OSError) as error:
            _write(answer, json.dumps({"unconfined": str(error)}).encode())
            return
    output = Output()
    sys.stdout = sys.stderr = output
    try:
        found = _encoded({**run(call), "logs": output.all()})
    except MemoryError:
        found = b'{"memory": true}'
    _write(answer, found)
    os._exit(0)


def _close_streams() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)


def _write(place: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(place, view) :]


def run(call: dict[str, Any]) -> dict[str, Any]:
    """`{"items", "static", "custom"}`, `{"value"}` of a tool's code, or `{"error"}`. Raises MemoryError."""
    data = call["data"]
    if call["attributes"]:
        data = _with_attributes(data)
    view = View(data)
    try:
        code = compiled(call["source"])
    except (SyntaxError, ValueError, RecursionError) as error:
        return {"error": describe(error)}
    before, names = _text(data["static"]), view.names(call["source"])
    try:
        if call["style"] == "tool":
            return {"value": _called(code, {**names, "_query": call["query"], "query": call["query"]})}
        items = (
            _each(view, code, names) if call["style"] == "each" else shape_all(_called(code, names | view.of_item(each=False)))
        )
        changed = data["static"] if _text(data["static"]) != before else None
        return {"items": items, "static": changed, "custom": data.get("customData")}
    except MemoryError:
        raise
    except _Told as told:
        return {"error": told.error}
    except BaseException as error:
        return {"error": describe(error)}


class _Told(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.error = error


def _each(view: View, code: Callable[[dict[str, Any]], Any], names: dict[str, Any]) -> list[dict[str, Any]]:
    made = []
    for index in range(len(view.items)):
        view.at = index
        try:
            shaped = shape_each(_called(code, names | view.of_item(each=True)), index)
            if shaped is not None:
                made.append(shaped)
        except MemoryError:
            raise
        except BaseException as error:
            told = describe(error, index)
            if not view.call["continues"]:
                raise _Told(told) from None
            made.append({"json": {"error": told["message"]}, "pairedItem": {"item": index}})
    return made


def compiled(source: str) -> Callable[[dict[str, Any]], Any]:
    """The code as the body of a function, so that it may return; its line numbers are its own."""
    tree = _parsed(source)
    shell = _parsed("async def __code():\n pass" if _waits(tree) else "def __code():\n pass")
    function: Any = shell.body[0]
    function.body = tree.body or function.body
    made: dict[str, Any] = {}
    exec(compile(shell, FILE, "exec"), made)  # noqa: S102 - what this process is for
    function = made["__code"]
    new = type(function)

    def code(names: dict[str, Any]) -> Any:
        return new(function.__code__, {"__name__": "__code__", "__builtins__": __builtins__, **names})()

    return code


def _parsed(source: str) -> _ast.Module:
    """`ast` itself takes as long to load as all the rest."""
    found: Any = compile(source, FILE, "exec", _ast.PyCF_ONLY_AST)
    return found  # type: ignore[no-any-return]


def _waits(tree: _ast.AST) -> bool:
    """Whether it awaits anything itself, and not in a function within it."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _ast.Await | _ast.AsyncFor | _ast.AsyncWith):
            return True
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, _ast.AST) and not isinstance(node, _ast.FunctionDef | _ast.AsyncFunctionDef | _ast.Lambda):
            waiting.extend(getattr(node, name, None) for name in node._fields)
    return False


def _called(code: Callable[[dict[str, Any]], Any], names: dict[str, Any]) -> Any:
    result = code(names)
    if type(result).__name__ != "coroutine":
        return result
    try:
        result.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("The code waits for something that never happens")


def describe(error: BaseException, index: int | None = None) -> dict[str, Any]:
    """Message, line of the code where it knows one, item."""
    if isinstance(error, ShapeError):
        item = index if error.index is None else error.index
        return {"message": str(error), "description": error.description, "item": item, "shape": True}
    line = error.lineno if isinstance(error, SyntaxError) else _line(error)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    plain = type(error) is Exception and text
    message = text if plain else f"{type(error).__name__}: {text}" if text else type(error).__name__
    described = {"message": f"{message} [line {line}]" if line else message, "line": line, "item": index}
    if isinstance(error, OSError) and error.errno in (1, 13):
        described["description"] = _CLOSED
    elif isinstance(error, ModuleNotFoundError):
        described["description"] = "Code may import what Python itself brings along, and no other packages."
    return described


def _line(error: BaseException) -> int | None:
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _text(value: Any) -> str:
    return json.dumps(value, default=str)


def _encoded(outcome: dict[str, Any]) -> bytes:
    """What is no JSON becomes a text, as in n8n: sets, times, decimals. Numbers that JSON does not have are nothing."""
    try:
        return json.dumps(outcome, default=str, allow_nan=False).encode()
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, ValueError) and "JSON compliant" in str(error):
            return json.dumps(_finite(outcome), default=str).encode()
        words = f"What the code returns is no JSON: {error}"
        return json.dumps({"error": {"message": words, "shape": True}, "logs": outcome["logs"]}).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and value - value != 0 else value


def _with_attributes(value: Any) -> Any:
    if isinstance(value, dict):
        return Record({key: _with_attributes(each) for key, each in value.items()})
    return [_with_attributes(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
