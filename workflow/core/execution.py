"""The execution: one immutable value that holds all that is needed to go on with it, on this engine or another.

Run data only grow: a run, once there, never changes. Everything else (`stack`, `waiting`, `current`) refers to outputs of runs by name
(`Source`) and holds no items, so it stays small. A store therefore writes the new runs and one small frame; `codec.py` has both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from workflow.core.effects import Effect
from workflow.core.failure import Failure
from workflow.core.items import Item, Items


class Mode(StrEnum):
    """What started it, in n8n's words."""

    MANUAL = "manual"
    TRIGGER = "trigger"
    WEBHOOK = "webhook"
    INTEGRATED = "integrated"
    """Called by another workflow."""
    ERROR = "error"
    RETRY = "retry"
    CLI = "cli"


class Status(StrEnum):
    """n8n's words. `WAITING`: for an effect that may take long; `RUNNING` covers the short ones."""

    NEW = "new"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCESS = "success"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        return self in (Status.SUCCESS, Status.ERROR, Status.CANCELED)


@dataclass(frozen=True, slots=True)
class Source:
    """One output of one run of a node."""

    node: str
    output: int = 0
    run: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """A node to be run, and where each of its inputs comes from; None for an input that brought nothing.

    `sources` is empty for the node that the execution starts with: it gets the start items.
    """

    node: str
    sources: tuple[Source | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRun:
    """One run of a node that has ended. Times are Unix milliseconds; `index` counts all runs of the execution."""

    node: str
    index: int
    started_ms: int
    took_ms: int
    sources: tuple[Source | None, ...] = ()
    outputs: Sequence[Items | None] | None = None
    """None where the node failed and the execution with it."""
    failure: Failure | None = None
    hints: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    """What its code wrote to the console."""
    helper: str = ""
    """The connection type for runs of a node that was attached to another (`ai_tool`); empty for `main`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How an effect ended: with a value (JSON), or with a failure."""

    value: Any = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The run that is under way. `rounds` are the replies to what it asked so far: enough to bring it back after a crash."""

    visit: Visit
    run: int
    index: int
    started_ms: int
    attempt: int = 1
    rounds: tuple[tuple[Reply, ...], ...] = ()
    asked: tuple[Effect, ...] = ()
    """Effects in flight; all are answered before the node goes on."""
    replies: Mapping[str, Reply] = field(default_factory=dict)
    retrying: bool = False
    """It waits for its next attempt."""
    retry_failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    id: str
    workflow_id: str
    mode: Mode = Mode.MANUAL
    status: Status = Status.NEW
    created_ms: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    deadline_ms: int | None = None
    start_items: tuple[Item, ...] = ()
    stack: tuple[Visit, ...] = ()
    """What comes next, first at the left."""
    waiting: Mapping[str, tuple[Visit, ...]] = field(default_factory=dict)
    """Nodes with several inputs, some of them still empty, in the order in which they were reached."""
    runs: Mapping[str, tuple[NodeRun, ...]] = field(default_factory=dict)
    current: Current | None = None
    next_index: int = 0
    contexts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What a node remembers between its runs (`$node["Loop"].context`)."""
    static_data: Mapping[str, Any] = field(default_factory=dict)
    """`$getWorkflowStaticData`; the engine saves it with the workflow when a production execution ends."""
    custom_data: Mapping[str, str] = field(default_factory=dict)
    last_node: str | None = None
    last_failure: Failure | None = None
    """Of the last run, where it threw: n8n calls an execution failed whose last node threw, also where it was told to go on."""
    destination: str | None = None
    """A manual run ends after this node."""
    depth: int = 0
    """How many executions called one another before this one."""
    root: str | None = None
    """The id of the workflow whose execution began it all: of the first caller, or of what failed; None where it is its own."""
    chain: int = 0
    """How many executions, each started by an event of the one before, led to it."""
    retry_of: str | None = None
    """The id of the execution that failed and is tried again."""
    awaited: bool = True
    """Of a sub-workflow: whether its caller waits for it."""
    traceparent: str | None = None
    """Of whatever started it (W3C trace context)."""

    def evolve(self, **changes: Any) -> Self:
        return replace(self, **changes)

    @property
    def ended(self) -> bool:
        return self.status.ended

    @property
    def standing(self) -> Current:
        """The run under way; there is one whenever a node is to be run or effects are in flight."""
        if self.current is None:
            raise RuntimeError(f"Nothing is under way in execution {self.id}")
        return self.current

    @property
    def failure(self) -> Failure | None:
        return self.last_failure if self.status is not Status.SUCCESS else None

    def items_of(self, source: Source | None) -> Items:
        """The items that a source stands for."""
        if source is None:
            return ()
        outputs = self.runs[source.node][source.run].outputs or ()
        return (outputs[source.output] if source.output < len(outputs) else None) or ()

    def last_items(self) -> Items:
        """What the execution leaves: the first output with items of the last node that ran."""
        if self.last_node is None or not self.runs.get(self.last_node):
            return ()
        outputs = self.runs[self.last_node][-1].outputs or ()
        return next((items for items in outputs if items), ())
