"""`Scripts` for nodes: parameters and code of a call, evaluated in an isolate of the workflow's owner, or in a process where it is Python."""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import PydanticSerializationError, from_json, to_json

from bus import telemetry
from workflow.core.failure import CodeError, ExpressionError, LimitError, NodeError
from workflow.core.items import Item
from workflow.core.pairing import AMBIGUOUS
from workflow.expressions.isolate import OutOfMemory, OutOfTime, ScriptError, TooLong
from workflow.expressions.needs import needs_of
from workflow.expressions.parameters import AS_JSON, UNDEFINED, Parameters, Template, compile_template
from workflow.expressions.pool import Engine, Pool
from workflow.expressions.scope import payload, python_call
from workflow.expressions.simple import compile_simple, evaluate
from workflow.nodes.contract import NodeCall
from workflow.python.host import Python

logger = telemetry.log(__name__)

_MOST_TEMPLATES: Final = 10_000
_PLACE: Final = re.compile(r"^<anonymous>:\d+: ")
"""A line of the runtime's own, which says nothing to whoever wrote the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one evaluation: all expressions of a node for all its items, or one run of a code node."""

    expression_seconds: float = 10
    code_seconds: float = 60
    output_bytes: int = 64 * 1024 * 1024


class V8Scripts:
    """Keeps `workflow.nodes.contract.Scripts`. Safe for several threads: each call leases an isolate of its own."""

    def __init__(self, pool: Pool, limits: Limits | None = None, python: Python | None = None) -> None:
        self._pool = pool
        self._python = python or Python()
        self._limits = limits or Limits()
        self._templates: dict[int, Template] = {}

    def parameters(self, call: NodeCall, indices: Sequence[int]) -> list[Parameters]:
        template = self._template(call)
        if not template.sources:
            shared = Parameters(template)
            return [shared] * len(indices)
        plain = compile_simple(template.sources)
        simple = None if plain is None else evaluate(plain, call.items, indices)
        if simple is not None:
            return [Parameters(template, row, index) for row, index in zip(simple, indices, strict=True)]
        found = self._evaluate(call, template, indices)
        rows: list[list[Any]] = found["rows"]
        for place, leaf, message in found["errors"]:
            rows[place][leaf] = _expression_error(message, template, leaf, indices[place])
        for place, leaf in found["missing"]:
            rows[place][leaf] = UNDEFINED
        return [Parameters(template, row, index) for row, index in zip(rows, indices, strict=True)]

    def code(self, call: NodeCall, source: str, style: str) -> list[Item]:
        data = payload(call, needs_of((source, "$input")), (0,))
        data |= {"continues": call.continues, "static": call.static_data, "customData": call.custom_data}
        data["node"] = {"name": call.node.name, "id": call.node.id, "version": call.node.version}
        with self._pool.lease(_owner(call)) as engine, _telling(_owner(call)):
            definition = to_json({"code": {"source": source, "style": style}})

            def run() -> Any:
                data["program"] = engine.program((source, style), definition)
                return self._run_code(engine, data)

            found = self._in(engine, run, self._limits.code_seconds)
        return _kept(call, found)

    def python(self, call: NodeCall, source: str, style: str, query: Any = None) -> list[Item]:
        with _telling(_owner(call)):
            found = self._read_python(self._python.run(to_bytes(python_call(call, source, style, query))))
            if "memory" in found:
                raise LimitError("It used more memory than it may. Work on fewer items at a time.")
        if "unconfined" in found:
            raise NodeError(
                f"This machine cannot confine code in Python: {found['unconfined']}",
                description="An administrator may let it run all the same (HIVE_WORKFLOW_PYTHON)",
            )
        if "value" in found:
            found["items"] = [{"json": {"answer": found["value"]}}]
        return _kept(call, found)

    def _read_python(self, text: bytes) -> Any:
        try:
            return from_json(text)
        except ValueError as error:
            raise NodeError(f"What the code returns cannot be read: {error}") from None

    def library(self, call: NodeCall, name: str | None, function: str, argument: Any) -> Any:
        seconds = self._limits.expression_seconds
        with self._pool.lease(_owner(call), name) as engine, _telling(_owner(call)):
            text = to_bytes({"name": function, "argument": argument})
            found = self._in(engine, lambda: self._call(engine, "__library", text, seconds), seconds)
        if "error" in found:
            raise NodeError(found["error"])
        return found["value"]

    def _template(self, call: NodeCall) -> Template:
        """By identity: the parameters of a node are the same object in all executions of a version."""
        tree = call.node.parameters
        found = self._templates.get(id(tree))
        if found is None or found.tree is not tree:
            if len(self._templates) >= _MOST_TEMPLATES:
                self._templates.clear()
            found = self._templates[id(tree)] = compile_template(tree, _json_parameter(call))
        return found

    def _evaluate(self, call: NodeCall, template: Template, indices: Sequence[int]) -> Any:
        data = payload(call, needs_of(template.sources), indices)
        seconds = self._limits.expression_seconds
        with self._pool.lease(_owner(call)) as engine, _telling(_owner(call)):

            def run() -> Any:
                data["program"] = engine.program(template.sources, to_json({"sources": template.sources}))
                found = self._call(engine, "__evaluate", to_bytes(data), seconds)
                if found.get("later"):  # what promises go on with runs between two calls, and is waited for here
                    engine.isolate.evaluate("", seconds)
                return found

            return self._in(engine, run, seconds)

    def _run_code(self, engine: Engine, data: dict[str, Any]) -> Any:
        """Starts it, and asks for its outcome until there is one: a promise may wait for timers."""
        until = time.monotonic() + self._limits.code_seconds
        text = engine.isolate.call("__code", to_bytes(data), self._limits.code_seconds)
        while not text or text.startswith('{"wait":'):
            left = until - time.monotonic()
            if left <= 0:
                raise OutOfTime
            if text:
                time.sleep(min(left, from_json(text)["wait"] / 1000))
            text = engine.isolate.call("__pump", b"", left, self._limits.output_bytes)
        if engine.isolate.full:  # between two calls, where it ends what runs and says nothing
            raise OutOfMemory
        return self._read(text)

    def _call(self, engine: Engine, function: str, argument: bytes, seconds: float) -> Any:
        return self._read(engine.isolate.call(function, argument, seconds, self._limits.output_bytes))

    def _in(self, engine: Engine, run: Callable[[], Any], seconds: float) -> Any:
        """What it gives. An isolate that ran out of time, or in which something is left that cannot be taken away, is not used again."""
        try:
            found = run()
        except OutOfTime:
            engine.isolate.spent = True
            raise LimitError(
                f"It ran longer than {seconds:g} s. Look for a loop that does not end, or work on fewer items."
            ) from None
        except OutOfMemory:
            raise LimitError("It used more memory than it may. Work on fewer items at a time.") from None
        except TooLong as error:
            raise LimitError(
                f"The result has {error.length:,} bytes; it may have {self._limits.output_bytes:,}. Return less, or work on fewer items."
            ) from None
        except ScriptError as error:
            raise NodeError(_PLACE.sub("", str(error).splitlines()[0])) from error
        if found.get("spoilt"):
            engine.isolate.spent = True
        return found

    def _read(self, text: str) -> Any:
        try:
            return from_json(text)
        except ValueError as error:
            if "recursion limit" in str(error):
                raise LimitError("The result nests deeper than can be read. Return less, or a text of it.") from None
            # half of a surrogate pair, which JavaScript allows in a string
            return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


@contextmanager
def _telling(owner: str) -> Iterator[None]:
    """Logs whose evaluation was stopped: somebody may want to know who wears the engines out. The words say nothing of what it worked on."""
    try:
        yield
    except LimitError as error:
        logger.warning("evaluation_stopped", owner=owner, code=error.code, reason=str(error))
        raise


def _kept(call: NodeCall, found: dict[str, Any]) -> list[Item]:
    """The items of code that ran, and what else it leaves."""
    call.logs.extend(found.get("logs", ()))
    if "error" in found:
        raise _code_error(found["error"])
    if found.get("static") is not None:
        call.static_data.update(found["static"])
    if found.get("custom"):
        call.custom_data.update(found["custom"])
    items: list[Item] = found["items"]
    return items


def _json_parameter(call: NodeCall) -> str | None:
    """Set's own JSON is the one text in which n8n writes an object as JSON, and not as JavaScript would."""
    return "jsonOutput" if call.node.type == "n8n-nodes-base.set" and call.node.parameters.get("mode") == "raw" else None


def to_bytes(value: Any) -> bytes:
    try:
        return to_json(value, inf_nan_mode="null")
    except (PydanticSerializationError, ValueError):  # half of a surrogate pair
        return json.dumps(value, separators=(",", ":")).encode()


def _owner(call: NodeCall) -> str:
    return str(call.environment.get("owner", ""))


def _expression_error(message: str, template: Template, leaf: int, index: int) -> ExpressionError:
    source = template.sources[leaf].removeprefix(AS_JSON)
    hint = _ONE_OF_SEVERAL if message == AMBIGUOUS else None
    return ExpressionError(message, item=index, parameter=template.names[leaf], expression=source, description=hint)


_ONE_OF_SEVERAL: Final = "Several items of the node led to this one. Use .first(), .last() or .all()[index]"


def _code_error(error: dict[str, Any]) -> CodeError:
    known = {name: error.get(name) for name in ("description", "item", "line")}
    return CodeError(error["message"], **known, shape=bool(error.get("shape")))
