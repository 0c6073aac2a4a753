"""What an open page is sent: the rows that changed since its last frame, and the few small things that are always whole."""

from enum import StrEnum
from functools import cached_property
from typing import Any

from bus.messages import AgentStatus, ClusterStatus, FailureInfo, Message, TaskStatus
from bus.tenancy import HOME


class TaskRow(Message):
    """A task as the table shows it. Times are milliseconds since the epoch, as a browser counts. No prompt, no output."""

    id: str
    status: TaskStatus
    priority: int
    tenant: str = HOME
    owner: str
    created_ms: int
    title: str | None = None
    model: str | None = None
    agent_id: str | None = None
    attempt: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    tokens: int | None = None
    tokens_per_second: float | None = None
    error: FailureInfo | None = None


class Gauges(Message):
    """Usages in percent, temperature in °C. What the host does not tell is None and is not drawn."""

    cpu: float | None = None
    memory: float | None = None
    gpu: float | None = None
    gpu_memory: float | None = None
    gpu_temperature: float | None = None
    tokens_per_second: float | None = None


class AgentModel(Message):
    name: str
    loaded: bool


class AgentRow(Message):
    """An agent as its card shows it. `silent`: its heartbeats stopped, and nobody has declared it offline yet."""

    id: str
    name: str
    status: AgentStatus
    reason: str | None = None
    silent: bool = False
    backend: str
    slots: int
    running: int
    models: tuple[AgentModel, ...] = ()
    gpu: str | None = None
    vram_gb: float | None = None
    gauges: Gauges = Gauges()


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Problem(Message):
    """Something that is wrong now. `code` is stable; `agent_id`, `failed_tasks`, `alerts` and `agents` say what the page can show of it.

    `as_of_ms`: what the page shows is from then, since whoever would tell it anew is away. `silent_ms`: when who is away spoke last.
    """

    level: Level
    code: str
    title: str
    text: str
    agent_id: str | None = None
    failed_tasks: bool = False
    alerts: bool = False
    agents: bool = False
    as_of_ms: int | None = None
    silent_ms: int | None = None


class Minute(Message):
    """What ended within one minute."""

    completed: int = 0
    failed: int = 0
    tokens: int = 0


class Frame(Message):
    """`full`: forget what was shown before. `cluster` is None until a leader has answered."""

    revision: int
    full: bool
    now_ms: int
    bus: bool
    coordinator: bool
    listed: bool
    cluster: ClusterStatus | None
    agents: tuple[AgentRow, ...]
    agents_gone: tuple[str, ...]
    tasks: tuple[TaskRow, ...]
    tasks_gone: tuple[str, ...]
    minutes: tuple[Minute, ...]
    problems: tuple[Problem, ...]

    @cached_property
    def plain(self) -> dict[str, Any]:
        """As it goes to a browser: made once for all pages that share the frame, none of which may change it."""
        return self.model_dump(mode="json")
