"""The language of conditions: comparisons over metrics and their windows, read by simpleeval and narrowed to what a rule needs. Pure.

A condition is true, false or unknown: what was not measured is unknown, and so is whatever hangs on it.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from simpleeval import InvalidExpression, SimpleEval

from bus.errors import InvalidRequest
from bus.messages.agents import NetworkCounters, PerformanceMetrics
from bus.messages.alerts import LONGEST_WINDOW_SECONDS, AlertScope
from monitor.alerting.samples import Key, Samples, Value

AVERAGE: Final = "avg_"
AVERAGE_SECONDS: Final = 300.0
"""`avg_response_time` is `avg(response_time, 300)`."""
CONSTANTS: Final = {"true": True, "false": False, "True": True, "False": False}
_COUNTS: Final = ("completed", "failed", "cancelled", "retries")
_NO_NUMBERS: Final = ("agent_id", "timestamp", "network_io")
_MEASURED: Final = (
    *(name for name in PerformanceMetrics.model_fields if name not in _NO_NUMBERS),
    *NetworkCounters.model_fields,
)
METRICS: Final[dict[AlertScope, frozenset[str]]] = {
    AlertScope.AGENT: frozenset(("agent_available", *_MEASURED, *_COUNTS)),
    AlertScope.MODEL: frozenset((*_COUNTS, "success_rate", "error_rate")),
    AlertScope.WORKFLOW: frozenset((*_COUNTS, "success_rate", "error_rate")),
    AlertScope.QUEUE: frozenset(("waiting",)),
}

Window = list[tuple[float, float]]


def _rate(window: Window) -> float | None:
    """What a counter grew by a second. One that fell began anew, so it grew by what it says."""
    if len(window) < 2:
        return None
    steps = pairwise(window)
    grown = sum(later - earlier if later >= earlier else later for (_, earlier), (_, later) in steps)
    return grown / (window[-1][0] - window[0][0]) if window[-1][0] > window[0][0] else None


FUNCTIONS: Final[dict[str, Callable[[Window], float | None]]] = {
    "avg": lambda window: sum(value for _, value in window) / len(window) if window else None,
    "max": lambda window: max((value for _, value in window), default=None),
    "min": lambda window: min((value for _, value in window), default=None),
    "rate": _rate,
}
_ALLOWED: Final = (
    *(ast.Constant, ast.Name, ast.Load, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Call),
    *(ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)


class _Unknown(Exception):
    """A value that nobody has measured."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`reads` are metrics as they stand in it; `windows` the longest that it asks for, in seconds by metric."""

    text: str
    tree: Any
    reads: frozenset[str]
    windows: dict[str, float]

    def holds(self, samples: Samples, key: Key, now: float) -> bool | None:
        """None: unknown."""
        try:
            return bool(_Evaluation(samples, key, now).eval(self.text, previously_parsed=self.tree))
        except (_Unknown, InvalidExpression, ArithmeticError, TypeError):
            return None

    def values(self, samples: Samples, key: Key, now: float) -> dict[str, Value]:
        """What it reads now, for whoever is told."""
        found = {name: samples.last(key, name.removeprefix(AVERAGE), now) for name in sorted(self.reads)}
        return {name: value for name, value in found.items() if value is not None}


class _Evaluation(SimpleEval):  # type: ignore[misc, unused-ignore]
    """One look at one thing. `and` and `or` know what to make of the unknown."""

    def __init__(self, samples: Samples, key: Key, now: float) -> None:
        super().__init__()
        self._samples, self._key, self._now = samples, key, now
        inherited: dict[Any, Any] = vars(self)["nodes"]
        kept = {kind: inherited[kind] for kind in (ast.Constant, ast.Compare, ast.UnaryOp, ast.BinOp)}
        self.nodes: Any = kept | {ast.Name: self._name, ast.Call: self._call, ast.BoolOp: self._both}

    def _name(self, node: ast.Name) -> Value:
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        if node.id.startswith(AVERAGE):
            return self._window("avg", node.id.removeprefix(AVERAGE), AVERAGE_SECONDS)
        return _known(self._samples.last(self._key, node.id, self._now))

    def _call(self, node: ast.Call) -> float:
        function, metric, seconds = _parts(node)
        return self._window(function, metric, seconds)

    def _window(self, function: str, metric: str, seconds: float) -> float:
        return float(_known(FUNCTIONS[function](self._samples.window(self._key, metric, seconds, self._now))))

    def _both(self, node: ast.BoolOp) -> bool:
        """One that is true settles an `or`, one that is false an `and`, whatever else is unknown."""
        settles, unknown = isinstance(node.op, ast.Or), False
        for operand in node.values:
            try:
                if bool(self._eval(operand)) is settles:
                    return settles
            except _Unknown:
                unknown = True
        if unknown:
            raise _Unknown
        return not settles


def _known(value: Value | None) -> Value:
    if value is None:
        raise _Unknown
    return value


def parse(text: str, scope: AlertScope) -> Condition:
    """InvalidRequest, in words, for what is no condition over the metrics of `scope`."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidRequest(f"`{text}` cannot be read: {error}. Write such as `cpu_usage > 85`.") from None
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED) or (isinstance(node, ast.Constant) and not isinstance(node.value, int | float)):
            raise InvalidRequest(
                f"`{text}` holds {type(node).__name__}, which no condition may: compare metrics, numbers, true and false, "
                "by and, or, not, and + - * / %."
            )
    _require_truth(tree, text)
    reads, windows = frozenset(_reads(tree, text, scope)), dict[str, float]()
    for metric, seconds in _windows(tree):
        windows[metric] = max(windows.get(metric, 0.0), seconds)
    return Condition(text, tree, reads, windows)


def _require_truth(node: Any, text: str) -> None:
    match node:
        case ast.BoolOp():
            for operand in node.values:
                _require_truth(operand, text)
        case ast.UnaryOp(op=ast.Not()):
            _require_truth(node.operand, text)
        case ast.Compare() | ast.Name(id="agent_available"):
            pass
        case _:
            raise InvalidRequest(f"`{text}` is neither true nor false. Compare it with something, such as `cpu_usage > 85`.")


def _reads(tree: ast.AST, text: str, scope: AlertScope) -> Iterator[str]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _parts(node)
        elif isinstance(node, ast.Name) and id(node) not in called and node.id not in CONSTANTS:
            if node.id.removeprefix(AVERAGE) not in METRICS[scope]:
                known = ", ".join(sorted(METRICS[scope]))
                raise InvalidRequest(
                    f"`{text}` asks for `{node.id}`, which is no metric of a rule with scope {scope}: {known}."
                )
            yield node.id


def _windows(tree: ast.AST) -> Iterator[tuple[str, float]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _, metric, seconds = _parts(node)
            yield metric, seconds
        elif isinstance(node, ast.Name) and node.id.startswith(AVERAGE):
            yield node.id.removeprefix(AVERAGE), AVERAGE_SECONDS


def _parts(node: ast.Call) -> tuple[str, str, float]:
    """Function, metric and seconds. InvalidRequest for another form."""
    match node:
        case ast.Call(
            func=ast.Name(id=name), args=[ast.Name(id=metric), ast.Constant(value=int() | float() as seconds)], keywords=[]
        ):
            if name in FUNCTIONS and 0 < seconds <= LONGEST_WINDOW_SECONDS:
                return name, metric, float(seconds)
    raise InvalidRequest(
        f"`{ast.unparse(node)}` is no window: write {', '.join(FUNCTIONS)} with a metric and 1 to {LONGEST_WINDOW_SECONDS:.0f} seconds, "
        "such as `avg(cpu_usage, 300)`."
    )
