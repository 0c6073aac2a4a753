"""What a node is: a `NodeType` and a function of a `NodeCall`.

A pure node is `def run(call: NodeCall) -> Outputs`: one list of items for each of its outputs, computed from the call alone.

A node with an outside effect is a generator: it yields an `Effect`, or a sequence of effects that may run side by side, is sent one
`Reply` or a list of them, and returns its outputs. It may be run again from the start with the replies that were stored
(after a crash, or when it waited long), so between two yields it computes the same from the same: no clock but `call.now_ms`, no
randomness but `call.random`, no state outside the call.

    def run(call: NodeCall) -> EffectRun:
        reply = yield CallHttp(url=call.once().text("url"))
        return [[{"json": value_of(reply)}]]

Errors are raised as `NodeError`, with `item` where one item is at fault; `value_of(reply)` raises the failure of an effect.
`each_item` runs a function for every item and does with a failing one what the node's `onError` says.
"""

import random
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from workflow.core.effects import Effect
from workflow.core.execution import Execution, Reply
from workflow.core.failure import Failure, NodeError
from workflow.core.graph import Graph
from workflow.core.items import Item, Items, Outputs, paired
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import Node, OnError

Asked: TypeAlias = Effect | Sequence[Effect]
EffectRun: TypeAlias = Generator[Asked, Any, Outputs]
"""Sent back: a `Reply` for an effect, a list of them in order for a sequence."""


class EffectFailed(NodeError):
    """What an effect failed with, as the error of the node that asked for it."""

    def __init__(self, reply: Reply) -> None:
        failure = reply.failure or Failure(message="The effect failed")
        super().__init__(failure.message, description=failure.description, shown=failure.shown)
        self.failure = failure


def value_of(reply: Reply) -> Any:
    """The value of a reply; raises `EffectFailed` where the effect failed."""
    if reply.failure is not None:
        raise EffectFailed(reply)
    return reply.value


class Scripts(Protocol):
    """JavaScript, with the items and the data of the call at hand."""

    def parameters(self, call: "NodeCall", indices: Sequence[int]) -> list[Parameters]:
        """The node's parameters with their expressions evaluated for these items, all in one call of V8."""
        ...

    def code(self, call: "NodeCall", source: str, style: str) -> list[Item]:
        """Runs a code node's source; `style` is one of `all`, `each`, `function`, `functionItem`."""
        ...

    def python(self, call: "NodeCall", source: str, style: str, query: Any = None) -> list[Item]:
        """Runs a code node's source in Python; `style` is one of `all`, `each`, `tool` (one item with its `answer` to `query`)."""
        ...

    def library(self, call: "NodeCall", name: str | None, function: str, argument: Any) -> Any:
        """Calls a function of a vendored library (`alasql`), or of the runtime, with JSON; the result is JSON too."""
        ...


@dataclass(slots=True, kw_only=True)
class NodeCall:
    """All that a node may look at. `inputs`: items of each main input, paired with themselves; none of them may be changed."""

    node: Node
    inputs: Sequence[Items]
    execution: Execution
    graph: Graph
    scripts: Scripts
    now_ms: int = 0
    time_zone: str = "UTC"
    context: dict[str, Any] = field(default_factory=dict)
    """The node's own, kept between its runs within the execution; change it freely, it is saved when the run succeeds."""
    static_data: dict[str, Any] = field(default_factory=dict)
    custom_data: dict[str, str] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    helpers: Mapping[str, Sequence[Node]] = field(default_factory=dict)
    """Nodes attached to this one by connection type (`ai_languageModel`, `ai_tool` …), disabled ones left out."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """`vars`, `env`, `secrets`, `execution_url` …: what the engine lets workflows see."""
    _each: Sequence[Parameters] | None = None
    _once: Parameters | None = None

    @property
    def items(self) -> Items:
        """Of the first input."""
        return self.inputs[0] if self.inputs else ()

    @property
    def run(self) -> int:
        """Which run of this node within the execution, from 0."""
        return self.execution.current.run if self.execution.current else 0

    @property
    def continues(self) -> bool:
        """Whether a failing item leaves the node as an item with an error, in the place of failing the node."""
        return self.node.on_error is not OnError.STOP

    @property
    def random(self) -> random.Random:
        """The same numbers each time that this run is repeated."""
        current = self.execution.current
        return random.Random(f"{self.execution.id}.{current.index if current else 0}")  # noqa: S311 - repeatable, not secret

    def once(self) -> Parameters:
        """The parameters as the first item makes them: for a node that works on all items together."""
        if self._once is None:
            self._once = self._each[0] if self._each else self.scripts.parameters(self, (0,))[0]
        return self._once

    def each(self) -> Sequence[Parameters]:
        """The parameters as each item makes them, all evaluated in one call. Reading one whose expression failed raises its error."""
        if self._each is None:
            self._each = self.scripts.parameters(self, range(len(self.items))) if self.items else []
        return self._each

    def of_helper(self, node: Node) -> "NodeCall":
        """The same call seen from a node that is attached to this one: its parameters, this one's items."""
        return NodeCall(
            node=node,
            inputs=self.inputs,
            execution=self.execution,
            graph=self.graph,
            scripts=self.scripts,
            now_ms=self.now_ms,
            time_zone=self.time_zone,
            static_data=self.static_data,
            helpers=helpers_of(self.graph, node),
            environment=self.environment,
        )


def helpers_of(graph: Graph, node: Node) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for connection in graph.helpers.get(node.name, ()):
        helper = graph.workflow.by_name[connection.source]
        if not helper.disabled:
            found.setdefault(connection.type, []).append(helper)
    return found


def each_item(
    call: NodeCall,
    make: Callable[[int, Item, Parameters], Item | Iterable[Item]],
    failed: Callable[[NodeError, int], Item | None] | None = None,
) -> list[Item]:
    """What `make` gives for every item, each paired with it. Where the node continues, a failing item becomes what `failed` makes of its
    error: by default one with the error, paired; None leaves it out.
    """
    made: list[Item] = []
    parameters = call.each()
    for index, item in enumerate(call.items):
        try:
            result = make(index, item, parameters[index])
            made.extend([result] if isinstance(result, dict) else result)
        except NodeError as error:
            if error.item is None:
                error.item = index
            if not call.continues:
                raise
            found = (failed or error_item)(error, index)
            made.extend([found] if found is not None else [])
    return made


def in_one_item(call: NodeCall, run: Callable[[], Outputs]) -> Outputs:
    """What `run` gives. Where the node continues, its failure becomes one item, which is nobody's."""
    try:
        return run()
    except NodeError as error:
        if not call.continues:
            raise
        return [[{"json": {"error": error.message}}]]


def lone_error(error: NodeError, _: int) -> Item:
    """Paired with nothing, so that at the error output the item that failed is not merged into it."""
    return {"json": {"error": error.message}}


def error_item(error: NodeError, index: int) -> Item:
    return {"json": {"error": error.message if error.shown is None else error.shown}, "pairedItem": paired(index)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """One type of node in the versions that Hive runs. `outputs` counts main outputs without the error output."""

    name: str
    versions: tuple[float, ...]
    run: Callable[[NodeCall], Outputs | EffectRun]
    inputs: int | Callable[[Node], int] = 1
    outputs: int | Callable[[Node], int] = 1
    inputs_needed: Callable[[Node], int | None] | None = None
    trigger: bool = False
    effect: bool = False
    """Whether `run` is a generator that yields effects: all before it is stored before it starts."""
    helper: str | None = None
    """The connection type by which it is attached to another node; such a node is never run by itself."""
    note: str | None = None
    """For the compatibility report: what works differently here."""
