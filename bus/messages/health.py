"""How an agent was found when it was asked: the seed's health check, and where the last ones are read."""

from datetime import datetime

from pydantic import AwareDatetime, Field

from bus.messages.base import Command, Record, Slug, Words

MOST_CHECKS = 1000


class AgentHealthCheck(Record):
    """The seed's check. Usages are in percent, times in seconds. What cannot be read is left out, never zero."""

    agent_id: Slug
    timestamp: datetime
    response_time: float | None = Field(default=None, description="seconds that the backend took to tell what it has")
    tokens_per_second: float | None = Field(default=None, description="of the last minute's attempts")
    cpu_usage: float | None = None
    memory_usage: float | None = None
    gpu_usage: float | None = None
    available: bool
    error_message: Words | None = Field(default=None, description="why it is not available")


class HealthPage(Command):
    limit: int = Field(default=100, ge=1, le=MOST_CHECKS)
    before: AwareDatetime | None = Field(default=None, description="only checks that are older")


class ListHealth(HealthPage):
    agent_id: Slug


class AgentHealth(Record):
    """`last` is the newest check there is; `history` the newest first, as far as it was asked for."""

    agent_id: Slug
    last: AgentHealthCheck | None = None
    history: tuple[AgentHealthCheck, ...] = ()
    next_before: datetime | None = Field(default=None, description="as `before` it brings the next page; null: there is none")
