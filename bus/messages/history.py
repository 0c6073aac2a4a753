"""What is kept of agents' metrics: each as it was measured for days, minutes and hours of them for longer."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field
from typing_extensions import TypedDict

from bus.messages.base import Command, Record, Slug

MOST_POINTS = 2000


class Resolution(StrEnum):
    """What a point of the history stands for."""

    RAW = "raw"
    MINUTE = "minute"
    HOUR = "hour"


class MetricsPage(Command):
    resolution: Resolution = Field(default=Resolution.MINUTE, description="`raw`: each measurement, every five seconds")
    since: AwareDatetime | None = Field(default=None, description="only points from then on")
    before: AwareDatetime | None = Field(default=None, description="only points that are older")
    limit: int = Field(default=500, ge=1, le=MOST_POINTS)


class ListMetrics(MetricsPage):
    agent_id: Slug


class Spread(TypedDict):
    """Of one metric over the time of a point; of a single measurement all three are the same.

    A page of history has ten thousand of them, and is read and written by three rooms: as a dict each takes a fifth of what a model does.
    """

    min: float
    mean: float
    max: float
    n: Annotated[int, Field(description="measurements")]


class MetricsPoint(Record):
    """`values` by the names of PerformanceMetrics, in its units, those of `network_io` beside them. What nobody could read is left out."""

    timestamp: datetime = Field(description="when it was measured, or its minute or hour began, by the clock of the bus")
    values: dict[str, Spread]


class MetricsHistory(Record):
    """Newest first. The present minute and hour are not told before they are over."""

    agent_id: Slug
    resolution: Resolution
    points: tuple[MetricsPoint, ...] = ()
    next_before: datetime | None = Field(default=None, description="as `before` it brings the next page; null: there is none")
