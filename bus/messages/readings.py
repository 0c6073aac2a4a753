"""What rooms tell for a scrape: each what it alone knows, none of it kept. What cannot be read is left out, never zero."""

from datetime import date

from pydantic import Field

from bus.messages.agents import PerformanceMetrics
from bus.messages.base import Message, Record, Slug
from bus.messages.cluster import ModelQuality


class ServiceVitals(Message):
    """What a process of Hive says of itself every few seconds. One that is not a door has no `websocket_connections`."""

    service: Slug
    instance: str = Field(description="of the process: new at every start")
    pid: int | None = Field(default=None, description="of the process, on its machine")
    version: str | None = Field(default=None, description="of the code that it runs; null: one that did not tell it yet")
    cpu_percent: float | None = Field(default=None, description="since it last said so; 100 is one core")
    memory_bytes: int
    websocket_connections: int | None = Field(default=None, description="open now")


class MonitorReadings(Record):
    """The answer of `metrics.readings`."""

    executions: dict[str, int] = Field(
        default_factory=dict,
        description="executions of workflows that ended, by status, as all monitors count them; nothing while PostgreSQL is away",
    )
    execution_success_rate: float | None = Field(
        default=None, description="of 1, those of the last hour that succeeded among those that succeeded or failed"
    )
    mean_task_seconds: float | None = Field(default=None, description="of the tasks that completed in the last hour")
    services: tuple[ServiceVitals, ...] = ()
    agents: tuple[PerformanceMetrics, ...] = Field(default=(), description="what agents that are there measured last")
    models: tuple[ModelQuality, ...] = Field(default=(), description="the most used; rates are of the last hour")


class StoreReadings(Record):
    """The answer of `status.stores`: what PostgreSQL and Redis say of themselves; left out by one that is away."""

    database_connections: dict[str, int] | None = Field(
        default=None, description="sessions in Hive's database by PostgreSQL's own states"
    )
    redis_memory_bytes: int | None = Field(default=None, description="that Redis has allocated")


class WorkflowsCreated(Record):
    """The answer of `workflows.created`."""

    day: date = Field(description="of UTC")
    created: int = Field(description="workflows on that day, those that were deleted since included")
