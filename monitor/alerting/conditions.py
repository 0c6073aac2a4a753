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
AVAILABLE: Final = "agent_available"
COUNTS: Final = ("completed", "failed", "cancelled", "retries")
RETRY_COUNT: Final = "retry_count"
"""The seed's word for `retries` of an agent."""
AGENT_COUNTS: Final = (*COUNTS, RETRY_COUNT)
QUEUE_LENGTH: Final = "queue_length"
NOT_MEASURED: Final = frozenset(("agent_id", "timestamp", "network_io", RETRY_COUNT, QUEUE_LENGTH))
MEASURED: Final = (
    *(name for name in PerformanceMetrics.model_fields if name not in NOT_MEASURED),
    *NetworkCounters.model_fields,
)
"""What an agent measures itself, and what is stored of it."""
_COUNTERS: Final = frozenset(AGENT_COUNTS)
"""They only grow: one that fell began anew. All others rise and fall, the network's bytes a second among them."""
METRICS: Final[dict[AlertScope, frozenset[str]]] = {
    AlertScope.AGENT: frozenset((AVAILABLE, *MEASURED, *AGENT_COUNTS)),
    AlertScope.MODEL: frozenset((*COUNTS, "success_rate", "error_rate")),
    AlertScope.WORKFLOW: frozenset((*COUNTS, "success_rate", "error_rate")),
    AlertScope.QUEUE: frozenset(("waiting",)),
}

Window = list[tuple[float, float]]


def _rate(window: Window) -> float | None:
    """What it rose by a second, from the first to the last; below zero where it fell."""
    return _per_second(window, window[-1][1] - window[0][1]) if window else None


def _counter_rate(window: Window) -> float | None:
    """What a counter grew by a second. One that fell began anew, so it grew by what it says."""
    return _per_second(
        window, sum(later - earlier if later >= earlier else later for (_, earlier), (_, later) in pairwise(window))
    )


def _per_second(window: Window, grown: float) -> float | None:
    return grown / (window[-1][0] - window[0][0]) if len(window) > 1 and window[-1][0] > window[0][0] else None


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


@dataclass(frozen=True, slots=True)
class Asked:
    """A window that a condition asks for, by the words that it asks in."""

    text: str
    function: str
    metric: str
    seconds: float

    def value(self, samples: Samples, key: Key, now: float) -> float | None:
        """None: unknown."""
        function = _counter_rate if self.function == "rate" and self.metric in _COUNTERS else FUNCTIONS[self.function]
        return function(samples.window(key, self.metric, self.seconds, now))


class _Unknown(Exception):
    """A value that nobody has measured."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`reads` are all metrics that it is about; `plain` those read as they are now, `asked` those read by a window."""

    text: str
    tree: Any
    plain: frozenset[str]
    asked: tuple[Asked, ...]

    @property
    def reads(self) -> frozenset[str]:
        return self.plain | {asked.metric for asked in self.asked}

    @property
    def windows(self) -> dict[str, float]:
        """The longest that it asks for, in seconds by metric."""
        return {asked.metric: asked.seconds for asked in sorted(self.asked, key=lambda asked: asked.seconds)}

    def holds(self, samples: Samples, key: Key, now: float) -> bool | None:
        """None: unknown."""
        try:
            return bool(_Evaluation(samples, key, now).eval(self.text, previously_parsed=self.tree))
        except (_Unknown, InvalidExpression, ArithmeticError, TypeError):
            return None

    def values(self, samples: Samples, key: Key, now: float) -> dict[str, Value]:
        """What it reads now, for whoever is told."""
        found: dict[str, Value | None] = {name: samples.last(key, name, now) for name in sorted(self.plain)}
        found |= {asked.text: asked.value(samples, key, now) for asked in self.asked}
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
            return self._window(_average(node))
        return _known(self._samples.last(self._key, node.id, self._now))

    def _call(self, node: ast.Call) -> float:
        return self._window(_parts(node))

    def _window(self, asked: Asked) -> float:
        return float(_known(asked.value(self._samples, self._key, self._now)))

    def _both(self, node: ast.BoolOp) -> bool:
        """One that is true settles an `or`, one that is false an `and`, whatever else is unknown."""
        settles, unknown = isinstance(node.op, ast.Or), False
        for operand in node.values:
            try:
                if bool(self._eval(operand)) is settles:
                    return settles
            except (_Unknown, ArithmeticError):
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
    asked = tuple(dict.fromkeys(_windows(tree)))
    plain = frozenset(_plain(tree))
    for name in sorted(plain | {window.metric for window in asked}):
        _require_metric(name, text, scope)
    return Condition(text, tree, plain, asked)


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


def _require_metric(name: str, text: str, scope: AlertScope) -> None:
    if name == QUEUE_LENGTH:
        raise InvalidRequest(
            f"`{text}` asks for `{name}`, which no agent has: what waits, waits for all of them. Write a rule with scope queue over `waiting`."
        )
    if name not in METRICS[scope]:
        known = ", ".join(sorted(METRICS[scope]))
        raise InvalidRequest(f"`{text}` asks for `{name}`, which is no metric of a rule with scope {scope}: {known}.")


def _plain(tree: ast.AST) -> Iterator[str]:
    """What is read as it is now: names that no window has to itself."""
    inside = {id(name) for node in ast.walk(tree) if isinstance(node, ast.Call) for name in (node.func, *node.args)}
    names = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in inside)
    return (name for name in names if name not in CONSTANTS and not name.startswith(AVERAGE))


def _windows(tree: ast.AST) -> Iterator[Asked]:
    """InvalidRequest for a call of another form."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    inside = {id(name) for call in calls for name in (call.func, *call.args)}
    yield from map(_parts, calls)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id.startswith(AVERAGE) and id(node) not in inside:
            yield _average(node)


def _average(node: ast.Name) -> Asked:
    return Asked(node.id, "avg", node.id.removeprefix(AVERAGE), AVERAGE_SECONDS)


def _parts(node: ast.Call) -> Asked:
    """InvalidRequest for another form."""
    match node:
        case ast.Call(
            func=ast.Name(id=name), args=[ast.Name(id=metric), ast.Constant(value=int() | float() as seconds)], keywords=[]
        ):
            if name in FUNCTIONS and 0 < seconds <= LONGEST_WINDOW_SECONDS:
                return Asked(ast.unparse(node), name, metric, float(seconds))
    raise InvalidRequest(
        f"`{ast.unparse(node)}` is no window: write {', '.join(FUNCTIONS)} with a metric and 1 to {LONGEST_WINDOW_SECONDS:.0f} seconds, "
        "such as `avg(cpu_usage, 300)`."
    )
