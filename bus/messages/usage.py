"""What was used, by whom, day by day; and how much may be: quotas. Days and months are those of UTC."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from bus.messages.base import Command, Message, Record, Slug, Text

MOST_ROWS = 1000


class UsageBy(StrEnum):
    """What the rows of a report stand for."""

    USER = "user"
    KEY = "key"
    MODEL = "model"
    WORKFLOW = "workflow"
    DAY = "day"


class ListUsage(Command):
    by: UsageBy = UsageBy.USER
    since: date | None = Field(default=None, description="the first day; left out: the first of the present month")
    until: date | None = Field(default=None, description="the last day; left out: the present one")
    user: Text | None = Field(
        default=None, max_length=64, description="only what this user used, by the name that a report has"
    )
    limit: int = Field(default=100, ge=1, le=MOST_ROWS)


class UsageRow(Record):
    """Of all tasks that ended, however they ended: what was cancelled or failed may have used something, too."""

    name: str | None = Field(
        description="of the user, key, model, workflow or day; null: of none. Users of other tenants than the hive's own as `tenant/name`, to those who see all"
    )
    tasks: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float = Field(description="that hosts worked on them")
    watt_hours: float | None = Field(default=None, description="of hosts' cards; null where none told its power")


class UsageReport(Record):
    """Most tokens first; days in their order."""

    by: UsageBy
    since: date
    until: date
    rows: tuple[UsageRow, ...]


class QuotaKind(StrEnum):
    USER = "user"
    KEY = "key"
    WORKFLOW = "workflow"


class QuotaUnit(StrEnum):
    TOKENS = "tokens"
    SECONDS = "seconds"
    WATT_HOURS = "watt_hours"


class QuotaPeriod(StrEnum):
    DAY = "day"
    MONTH = "month"


class QuotaRef(Command):
    tenant: Slug = Field(default="default", description="whose user it is; of a key or a workflow it says nothing")
    kind: QuotaKind
    name: Text = Field(min_length=1, max_length=64, description="the user's name, or the id of the key or workflow")
    unit: QuotaUnit
    period: QuotaPeriod

    @field_validator("name")
    @classmethod
    def _is_an_id(cls, name: str, info: ValidationInfo) -> str:
        """In the one form in which doors and PostgreSQL look for it, of the many that UUID takes."""
        return str(UUID(name)) if info.data.get("kind") in (QuotaKind.KEY, QuotaKind.WORKFLOW) else name


class PutQuota(QuotaRef):
    most: float = Field(
        ge=0, description="in tokens (of prompts and answers), seconds, or watt hours of hosts' cards; 0: nothing"
    )


class Quota(Record):
    """`tenant`: whose user, or who has used the key or workflow. `used` in the day or month that began at `since`, as the monitor last counted: up to what has ended."""

    tenant: Slug = "default"
    kind: QuotaKind
    name: str
    unit: QuotaUnit
    period: QuotaPeriod
    most: float
    used: float = 0
    since: datetime
    set_by: str


class QuotaList(Record):
    quotas: tuple[Quota, ...]


class QuotaChange(Message):
    """So much of a quota is used. `owner` is the user whose quota or key it is, or one of those who ran the workflow; null for
    one that nobody has used yet."""

    owner: str | None = None
    owners: tuple[str, ...] = Field(
        default=(), description="all who ran the workflow in this day or month, by name; the first thousand"
    )
    quota: Quota
    resets_at: datetime


class SlowHost(Record):
    """An agent that has been slower with a model than it was before."""

    agent_id: Slug
    model: str
    tokens_per_second: float = Field(description="lately")
    usual_tokens_per_second: float = Field(description="the median of the hours before")
    share: float = Field(description="of 1, lately of what was usual")
    hours: int = Field(description="with work, that are compared with")
    text: str


class SlowHosts(Record):
    hosts: tuple[SlowHost, ...]
