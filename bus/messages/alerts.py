"""Alerts: the rules that ask for them, how each stands, and silences."""

from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from re import sub
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AliasChoices, AwareDatetime, Field, StringConstraints, model_validator

from bus.messages.base import Command, Record, Text
from bus.messages.history import Resolution

MOST_RULES: Final = 200
MOST_ALERTS: Final = 1000
LONGEST_WINDOW_SECONDS: Final = 3600.0
DAY_SECONDS: Final = 86_400.0

LONGEST_SILENCE: Final = timedelta(days=30)
FURTHEST_SILENCE: Final = timedelta(days=366)

RuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,63}$")]
RulePattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_*-]{1,63}$")]


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertScope(StrEnum):
    """What a rule is held against, one by one: each agent, each model, each workflow, each class of the queue."""

    AGENT = "agent"
    MODEL = "model"
    WORKFLOW = "workflow"
    QUEUE = "queue"


class AlertState(StrEnum):
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    RESOLVED = "resolved"


class AlertRule(Command):
    """The seed's rule: `condition`, `severity`, `cooldown`. docs/alerts.md says what a condition may hold."""

    condition: Text = Field(min_length=1, max_length=500, description="such as `avg(cpu_usage, 300) > 85`")
    severity: Severity
    cooldown: float = Field(
        default=300, ge=0, le=DAY_SECONDS, description="seconds after it fired in which it fires not again for the same thing"
    )
    for_seconds: float = Field(
        default=0,
        ge=0,
        le=DAY_SECONDS,
        validation_alias=AliasChoices("for_seconds", "for"),
        description="how long the condition holds before it fires",
    )
    scope: AlertScope = AlertScope.AGENT
    summary: Text | None = Field(default=None, max_length=500, description="for whoever reads the alert")
    enabled: bool = Field(default=True, description="false: it is kept and not watched, and what fires by it is resolved")
    inhibits: bool | None = Field(
        default=None,
        description="while it fires, other alerts of the same agent are silenced; left out: where the condition asks for `agent_available` alone",
    )


class RuleSource(StrEnum):
    DEFAULT = "default"
    FILE = "file"
    STORED = "stored"


class PutRules(Command):
    """The seed's form: rules by their names. They replace all that were."""

    alerts: dict[RuleName, AlertRule] = Field(max_length=MOST_RULES)


class ChangeRule(Command):
    """One rule, beside which all stay as they are. `before` is what its writer saw: another's change is not lost in silence."""

    name: RuleName
    rule: AlertRule | None = Field(default=None, description="null: it is deleted")
    before: AlertRule | None = Field(default=None, description="the rule of that name as it was; null: there was none")


class RuleSet(Record):
    alerts: dict[RuleName, AlertRule]
    source: RuleSource = Field(description="`stored`: put by somebody; `file`: HIVE_ALERT_RULES; `default`: Hive's own three")


class Alert(Record):
    """One time that a rule's condition held for one thing, from its firing to its end. `rank` grows with each change."""

    id: UUID
    rule: str
    scope: AlertScope
    entity: str = Field(description="the agent, model, workflow or class")
    severity: Severity
    condition: str
    summary: str | None = None
    state: AlertState
    rank: int = 1
    values: dict[str, float | bool] = Field(default_factory=dict, description="what the condition read when it last changed")
    fired_at: datetime
    changed_at: datetime
    resolved_at: datetime | None = None
    acknowledged_by: str | None = None
    reason: str | None = Field(default=None, description="why it is silenced, or resolved without its condition being false")

    @property
    def active(self) -> bool:
        return self.state is not AlertState.RESOLVED


class AlertGroup(Record):
    """The active alerts of one rule."""

    rule: str
    severity: Severity
    entities: tuple[str, ...]


class ListAlerts(Command):
    state: AlertState | None = Field(default=None, description="only those; left out: all that are not resolved")
    severity: Severity | None = None
    limit: int = Field(default=100, ge=1, le=MOST_ALERTS)


class AlertList(Record):
    """Latest change first."""

    alerts: tuple[Alert, ...] = ()
    groups: tuple[AlertGroup, ...] = Field(default=(), description="what is active, by rule")


class AlertChanges(Record):
    """An alert as it was after each of its changes, oldest first."""

    changes: tuple[Alert, ...]


class AlertRef(Command):
    id: UUID


class CreateSilence(Command):
    """What it names is silenced; it names at least one of four, and all that it names must fit.

    From now or from `starts_at` on, for `minutes` or until `ends_at`.
    """

    rule: RulePattern | None = Field(default=None, description="`*` stands for any characters")
    entity: Text | None = Field(default=None, min_length=1, max_length=255, description="`*` stands for any characters")
    severity: Severity | None = None
    scope: AlertScope | None = None
    minutes: float | None = Field(default=None, gt=0, le=LONGEST_SILENCE.total_seconds() / 60)
    starts_at: AwareDatetime | None = Field(default=None, description="left out: now")
    ends_at: AwareDatetime | None = None
    reason: Text = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if (self.minutes is None) == (self.ends_at is None):
            raise ValueError("say `minutes` or `ends_at`: one of the two")
        return self


class Silence(Record):
    id: UUID
    rule: str | None = None
    entity: str | None = None
    severity: Severity | None = None
    scope: AlertScope | None = None
    reason: str
    by: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime

    def covers(self, alert: Alert) -> bool:
        exact = ((self.severity, alert.severity), (self.scope, alert.scope))
        return all(wanted in (None, found) for wanted, found in exact) and all(
            wanted is None or _fits(wanted, found) for wanted, found in ((self.rule, alert.rule), (self.entity, alert.entity))
        )


def _fits(wanted: str, found: str) -> bool:
    """`*` alone is special: names of models may hold brackets and question marks."""
    return fnmatchcase(found, sub(r"([\[?])", r"[\1]", wanted))


class SilenceRef(Command):
    id: UUID


class SilenceList(Record):
    """Those that hold or are planned, the one that ends first first."""

    silences: tuple[Silence, ...] = ()


LONGEST_DRY_RUN: Final = timedelta(days=7)
MOST_FIRINGS: Final = 500


class DryRun(Command):
    """A rule as it may be, held against what is stored; nothing fires."""

    rule: AlertRule
    since: AwareDatetime | None = Field(default=None, description="left out: a day before `before`")
    before: AwareDatetime | None = Field(default=None, description="left out: now")


class Firing(Record):
    entity: str
    fired_at: datetime
    resolved_at: datetime | None = Field(default=None, description="null: it still held at the end")
    values: dict[str, float | bool] = Field(default_factory=dict, description="what the condition read when it fired")


class DryRunResult(Record):
    """When the rule would have fired, oldest first, MOST_FIRINGS at most."""

    since: datetime = Field(description="as it was asked for, or, where that is later, when what is stored begins")
    before: datetime
    resolution: Resolution = Field(
        description="`raw`: each measurement; `minute`, for more than six hours: of each minute the mean of what an agent measured, "
        "and the last of everything else"
    )
    entities: int = Field(description="agents, models, workflows or classes of the queue of which something is stored")
    firings: tuple[Firing, ...] = ()
    more: bool = Field(default=False, description="there were more firings")
    unknown: tuple[str, ...] = Field(
        default=(), description="metrics that the condition reads and of which nothing is stored: what hangs on them is unknown"
    )
