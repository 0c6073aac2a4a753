"""A workflow as n8n writes it, understood but kept whole.

`Workflow.document` is what was given, unchanged; everything else is read from it. Saving writes the document back, so a field that
Hive does not know is never lost. Nothing here is ever changed in place: treat every dict and list as frozen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MAIN: Final = "main"
"""The connection type that carries items; all others (`ai_…`) attach a helper to a node."""


class OnError(StrEnum):
    """What a node that fails does to the execution."""

    STOP = "stopWorkflow"
    CONTINUE = "continueRegularOutput"
    ERROR_OUTPUT = "continueErrorOutput"


class OnInterrupt(StrEnum):
    """What becomes of an effect that was in flight when its engine died. n8n has no such setting: the field is Hive's own."""

    REPEAT = "repeat"
    """It is carried out again, with the same idempotency key."""
    OUTCOME_UNKNOWN = "outcomeUnknown"
    """It is not, and the node fails with `outcome_unknown`: for what must not happen twice and knows no keys."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in the document that a person should know of. `code` is stable."""

    code: str
    message: str
    severity: Severity = Severity.WARNING
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """A tool of a registered MCP server. `arguments`: of the tool, each by the path of the node's parameter that it is; None: as the node's type
    has them."""

    server: str
    tool: str
    arguments: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node. `parameters` may hold expressions (`=…`); `document` is the node as given."""

    name: str
    type: str
    id: str = ""
    version: float = 1
    position: tuple[float, float] = (0, 0)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    disabled: bool = False
    on_error: OnError = OnError.STOP
    on_interrupt: OnInterrupt = OnInterrupt.REPEAT
    tries: int = 1
    """How often it is run at most: 1, or 2–5 with `retryOnFail`."""
    retry_wait_ms: int = 0
    execute_once: bool = False
    always_output_data: bool = False
    credentials: Mapping[str, Any] = field(default_factory=dict)
    webhook_id: str | None = None
    tool: ToolUse | None = None
    """What carries it out in Hive's place."""
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def goes_on_as_before(self) -> bool:
        """Whether it has the field of the time before `onError`, which nodes may read in their own way."""
        return self.document.get("continueOnFail") is True

    @property
    def options(self) -> Mapping[str, Any]:
        """The parameter of that name, as it is written; none where it is no object."""
        found = self.parameters.get("options")
        return found if isinstance(found, Mapping) else {}

    @property
    def short_type(self) -> str:
        """Without its package: `set`, `agent`."""
        return self.type.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Connection:
    """From output `output` of `source` to input `input` of `target`; `type` is the input's."""

    source: str
    target: str
    output: int = 0
    input: int = 0
    type: str = MAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow, understood. `nodes` in the document's order; `connections` only between nodes that exist."""

    id: str
    name: str
    active: bool = False
    nodes: Sequence[Node] = ()
    connections: Sequence[Connection] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    pin_data: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    static_data: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    document: Mapping[str, Any] = field(default_factory=dict)
    by_name: Mapping[str, Node] = field(default_factory=dict)

    @property
    def time_zone(self) -> str | None:
        """Of its settings; None leaves it to the engine's default. n8n writes `DEFAULT` for that too."""
        zone = self.settings.get("timezone")
        return zone if isinstance(zone, str) and zone not in ("", "DEFAULT") else None

    @property
    def max_concurrency(self) -> int | None:
        """How many of its executions run at once, those left out whose callers wait; None: any number. n8n has no such setting."""
        return self.settings.get("maxConcurrency")

    @property
    def depth_first(self) -> bool:
        """Execution order `v1`. A document that names none is of the time before it, `v0`."""
        return self.settings.get("executionOrder") == "v1"

    def to_document(self) -> dict[str, Any]:
        """What to save: all that was given."""
        return dict(self.document)
