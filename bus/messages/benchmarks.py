"""How fast an agent is with a model, measured while it has nothing else to do."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from bus.messages.base import Command, Message, Record, Slug, Text, Words

MOST_BENCHMARKS = 200


class BenchmarkStatus(StrEnum):
    """`interrupted`: it gave way to a task, or its agent left; what was measured until then stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class BenchmarkTrigger(StrEnum):
    """`new`: the agent, the model or the hardware was; `request`: somebody asked for it."""

    NEW = "new"
    REQUEST = "request"


class BenchmarkOrder(Message):
    """What a sidecar is told beside the model. `reload`: the model is unloaded first, so that its load is measured."""

    id: UUID
    trigger: BenchmarkTrigger
    reload: bool = False


class BenchmarkFigures(Message):
    """Rates are tokens per second. Null where it has not been measured, or not yet."""

    load_seconds: float | None = Field(default=None, description="null for a model that was in memory already")
    prompt_tokens_per_second: float | None = None
    generation_tokens_per_second: float | None = None
    time_to_first_token_seconds: float | None = Field(default=None, description="of a short prompt, with the model in memory")
    parallel_tokens_per_second: dict[int, float] = Field(
        default_factory=dict, description="of all generations together, by how many run at once"
    )
    slots: int | None = Field(default=None, description="how many at once were worth it")


class AgentBenchmark(BenchmarkFigures, Record):
    """One benchmark, as it stands. The sidecar reports each step; the last report has its end."""

    id: UUID
    agent_id: Slug
    model: str
    trigger: BenchmarkTrigger
    status: BenchmarkStatus
    step: str = Field(default="", description="what is being measured, for a person")
    progress: float = Field(default=0.0, ge=0, le=1)
    hardware: str = Field(default="", description="that it was measured on; measured again on another")
    started_at: datetime
    ended_at: datetime | None = None
    error: Words | None = None


class BenchmarkWish(Command):
    """The body of `POST /api/agents/{agent_id}/benchmark`."""

    model: Text | None = Field(
        default=None, max_length=255, description="left out: what a task without a model would get there"
    )
    reload: bool = Field(default=True, description="unload the model first, so that its load is measured")


class BenchmarkAgent(BenchmarkWish):
    agent_id: Slug


class BenchmarkPage(Command):
    limit: int = Field(default=20, ge=1, le=MOST_BENCHMARKS)
    before: AwareDatetime | None = Field(default=None, description="only benchmarks that began earlier")


class ListBenchmarks(BenchmarkPage):
    agent_id: Slug


class BenchmarkList(Record):
    """Newest first."""

    benchmarks: tuple[AgentBenchmark, ...]
    next_before: datetime | None = Field(default=None, description="as `before` it brings the next page; null: there is none")
