"""What was seen from outside, line by line with monotonic times, which all processes of a machine share: a run can be judged again from its file."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bus.messages import TaskEvent, TaskRecord

E = TypeVar("E", bound="_Entry")


class _Entry(BaseModel):
    """`at` is in seconds of the machine's monotonic clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float = Field(default_factory=time.monotonic)


class Acknowledged(_Entry):
    """A door promised the task; `op` is the client's own name for what it asked, the same in every retry."""

    kind: Literal["acknowledged"] = "acknowledged"
    op: str
    task_id: UUID
    asked_at: float
    """When the client first asked, by the same clock."""
    tokens: int | None = None
    """How many the answer has; None when the backend is a real one, whose text is its own affair."""


class RequestFailed(_Entry):
    """What a load balancer in front of two gateways would have handed to its client, and `why` (a code or an error's name)."""

    kind: Literal["request_failed"] = "request_failed"
    op: str
    request: str
    why: str


class Streamed(_Entry):
    """What a follower of the output had before it when it was told that the task is done, over `connections` connections."""

    kind: Literal["streamed"] = "streamed"
    task_id: UUID
    text: str
    connections: int


class GenerationBegan(_Entry):
    kind: Literal["generation_began"] = "generation_began"
    name: str
    agent_id: str
    number: int


class GenerationEnded(_Entry):
    """`whole`: it was read to its end."""

    kind: Literal["generation_ended"] = "generation_ended"
    name: str
    agent_id: str
    number: int
    whole: bool


class FaultBegan(_Entry):
    """`role` is what the victim was at that moment, such as `leader`; `victim` its name, for a sidecar that of its agent too."""

    kind: Literal["fault_began"] = "fault_began"
    fault: str
    role: str
    victim: str
    alone: bool = True
    """Whether nothing else was broken meanwhile."""

    @property
    def title(self) -> str:
        return f"{self.fault}: {self.role}" if self.alone else "two at once"


class FaultHealed(_Entry):
    kind: Literal["fault_healed"] = "fault_healed"
    fault: str
    role: str
    victim: str


class Announced(_Entry):
    """An event as a stream holds it."""

    kind: Literal["announced"] = "announced"
    stream: str
    sequence: int
    event: TaskEvent


class Final(_Entry):
    """A task's record at the end, as a door shows it. Read from the list of all tasks, so that nothing unasked-for is missed."""

    kind: Literal["final"] = "final"
    op: str
    record: TaskRecord


class ExecutionAcknowledged(_Entry):
    """A door promised that this execution of a workflow runs."""

    kind: Literal["execution_acknowledged"] = "execution_acknowledged"
    execution_id: UUID


class ExecutionFinal(_Entry):
    """As a door shows it at the end; `status` is `absent` where it does not know it."""

    kind: Literal["execution_final"] = "execution_final"
    execution_id: UUID
    status: str


class EffectCame(_Entry):
    """A workflow's request as who is asked sees it. Its key says of which execution and which node (`place`, which only grows)."""

    kind: Literal["effect_came"] = "effect_came"
    key: str

    @property
    def execution_id(self) -> UUID:
        return UUID(self.key.split(".")[0])

    @property
    def place(self) -> tuple[int, int]:
        """The index of the node's run in the execution, and its attempt."""
        index, attempt = self.key.split(".")[1:3]
        return int(index), int(attempt)


class Offered(_Entry):
    """A coordinator of this epoch offered an attempt to an agent, as the bus carried it."""

    kind: Literal["offered"] = "offered"
    agent_id: str
    attempt_id: UUID
    epoch: int


Entry = (
    Acknowledged
    | RequestFailed
    | Streamed
    | GenerationBegan
    | GenerationEnded
    | FaultBegan
    | FaultHealed
    | Announced
    | Final
    | ExecutionAcknowledged
    | ExecutionFinal
    | EffectCame
    | Offered
)
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


class Log:
    """One file of entries, each line written at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, entry: Entry) -> None:
        self._file.write(entry.model_dump_json(exclude_none=True).encode() + b"\n")

    def close(self) -> None:
        self._file.close()

    @staticmethod
    def read(path: Path) -> list[Entry]:
        """A last line that was cut off is left out."""
        return [_ENTRY.validate_json(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def of(history: Iterable[Entry], wanted: type[E]) -> list[E]:
    """The entries of one kind, by time."""
    return sorted((entry for entry in history if isinstance(entry, wanted)), key=lambda entry: entry.at)
