"""An execution that this engine owns, and what the record has of it already."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from bus.messages import Claims
from workflow.core.effects import Respond
from workflow.core.events import EffectEnded, Expired, Stop
from workflow.core.execution import Execution, Mode, Status
from workflow.core.failure import Failure
from workflow.core.graph import Graph

Progress: TypeAlias = tuple[int, ...]
"""How far an execution is (`workflow.running.rows.progress_of`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What an execution is of. `document`: a workflow that was given in a node, in the place of a stored one."""

    workflow_id: UUID | None
    version: int
    claims: Claims
    document: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Held:
    """Changed by the one task that runs it. `stored`: the index of the first run that the record lacks."""

    id: UUID
    execution: Execution
    graph: Graph
    origin: Origin
    revision: int = 0
    """0: the record knows nothing of it yet."""
    epoch: int = 0
    stored: int = 0
    told: int = 0
    """The index of the first run that nobody was told of."""
    doubtful: frozenset[str] = frozenset()
    """Keys of effects that were in flight when it was read from the record, and must not be repeated."""
    take_ups: int = 0
    """How often it was taken up from an engine that died, since it last got further. This one counts."""
    progress: Progress = ()
    """How far it was when it was read from the record."""
    given_up: Failure | None = None
    """It was taken up too often, and is only to be ended with this. Its runs were not read."""
    wake_ms: int | None = None
    """When it goes on by itself, where it can be let go of (0: never)."""
    leaving: bool = False
    """It is being let go of, and takes no more events."""
    stop_asked: bool = False
    size: int = 0
    """Bytes of what it was started with, as the gate counts them."""
    inbox: "asyncio.Queue[EffectEnded | Stop | Expired]" = field(default_factory=asyncio.Queue)
    answered: "asyncio.Future[Respond] | None" = None
    """Set for as long as somebody waits for the answer of a webhook."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def attended(self) -> bool:
        """Somebody waits at this engine for its answer, so it is not let go of."""
        return self.answered is not None and not self.answered.done()

    @property
    def keeps_record(self) -> bool:
        """Whether the workflow's settings want the record of this end. A sub-workflow's is its parent's memory."""
        execution, settings = self.execution, self.graph.workflow.settings
        if execution.mode is Mode.MANUAL:
            return settings.get("saveManualExecutions") is not False
        if execution.mode is Mode.INTEGRATED and self.revision:
            return True
        name = "saveDataSuccessExecution" if execution.status is Status.SUCCESS else "saveDataErrorExecution"
        return settings.get(name) != "none"


def root_of(held: Held) -> UUID | None:
    """The workflow that began it all."""
    root = held.execution.root
    return held.origin.workflow_id if root is None else UUID(root)
