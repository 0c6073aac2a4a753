"""The hive as a whole, in numbers."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from bus.messages.agents import PerformanceMetrics
from bus.messages.base import Record, Slug


class ClusterStatus(Record):
    """The answer of `GET /api/status/cluster`: the last word of whoever led. `leader` is null while no coordinator leads."""

    version: str
    leader: str | None = None
    hive_id: UUID | None = Field(default=None, description="which hive this is, for as long as its record lives")
    agents: dict[str, int] = Field(default_factory=dict, description="number by status")
    queue: dict[str, int] = Field(default_factory=dict, description="waiting tasks by class, and `pending`")
    loading: bool = Field(default=False, description="a new leader still reads what waits, and counts too little of it")
    tasks: dict[str, int] = Field(default_factory=dict, description="assigned and running tasks")
    slots: int = 0
    slots_free: int = 0
    throughput: dict[str, float] = Field(
        default_factory=dict, description="tasks that ended, a second, by how they ended; over the last minute of its leader"
    )
    updated_at: datetime
    age_seconds: float = Field(default=0.0, description="since a leader said so; while one leads, a second or less")


class Quality(Record):
    """How well things ended. Rates are of 1, among what completed or failed: what was cancelled says nothing. Null where nothing did."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    retries: int = Field(default=0, description="attempts after the first; of executions, those that went on with a failed one")
    success_rate: float | None = None
    error_rate: float | None = None


class ModelQuality(Quality):
    """Of the tasks that a model did, wherever it is."""

    model: str


class UserQuality(Quality):
    """Of a user's tasks."""

    user: str


class WorkflowQuality(Quality):
    """Of the executions of a workflow."""

    workflow_id: UUID


class AgentPerformance(Quality):
    """Latest metrics of an agent, and what the tasks that ended with it add up to."""

    agent_id: Slug
    metrics: PerformanceMetrics | None = None
    generation_tokens_per_second: float | None = None
    mean_task_seconds: float | None = None


class ClusterPerformance(Quality):
    """The answer of `GET /api/metrics/performance`. Counts go back to `since`: the oldest end that the event stream still held.

    Its own counts are those of all tasks. `models`, `users` and `workflows` are the thousand of each with which something ended last.
    """

    agents: tuple[AgentPerformance, ...]
    models: tuple[ModelQuality, ...] = ()
    users: tuple[UserQuality, ...] = ()
    workflows: tuple[WorkflowQuality, ...] = ()
    completion_tokens: int
    mean_task_seconds: float | None = None
    since: datetime
