"""A window of maintenance: from when until when which agents rest, and why."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from bus.messages.base import Command, Record, Slug, Text
from bus.messages.orders import MOST_LABELS, LabelName, LabelValue

MOST_AGENTS = 200
MOST_WINDOWS = 200
LONGEST: Final = timedelta(days=30)


class MaintenancePhase(StrEnum):
    PLANNED = "planned"
    UNDER_WAY = "under_way"
    ENDED = "ended"
    CANCELLED = "cancelled"


class PlanMaintenance(Command):
    """The body of `POST /api/maintenance`. The agents that are named, those that have all the labels, or everything: one of the three."""

    agents: tuple[Slug, ...] = Field(default=(), max_length=MOST_AGENTS)
    labels: dict[LabelName, LabelValue] = Field(default_factory=dict, max_length=MOST_LABELS)
    everything: bool = Field(default=False, description="the whole hive, agents that come meanwhile included")
    starts_at: AwareDatetime | None = Field(default=None, description="left out: now")
    ends_at: AwareDatetime
    reason: Text = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum((bool(self.agents), bool(self.labels), self.everything)) != 1:
            raise ValueError("name `agents`, or `labels`, or `everything`: one of the three")
        if self.starts_at is not None and not self.starts_at < self.ends_at <= self.starts_at + LONGEST:
            raise ValueError(f"`ends_at` is later than `starts_at`, by {LONGEST.days} days at most")
        return self


class MaintenanceWindow(Record):
    """`phase` is how it stood when this was said."""

    id: UUID
    agents: tuple[Slug, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    everything: bool = False
    starts_at: datetime
    ends_at: datetime
    reason: str
    by: str
    created_at: datetime
    phase: MaintenancePhase
    cancelled_at: datetime | None = None


class MaintenanceRef(Command):
    id: UUID


class ListMaintenance(Command):
    limit: int = Field(default=50, ge=1, le=MOST_WINDOWS)


class MaintenanceList(Record):
    """Latest beginning first."""

    windows: tuple[MaintenanceWindow, ...]
