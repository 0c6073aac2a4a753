"""Notifications: where alerts are sent, which of them, and how that goes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, PlainSerializer, SecretStr, StringConstraints

from bus.messages.alerts import AlertState, RuleName, Severity
from bus.messages.base import Command, Record

MOST_TARGETS: Final = 50
MOST_GROUP_SECONDS: Final = 3600.0

TargetName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,63}$")]
TargetUrl = Annotated[
    SecretStr,
    Field(min_length=1, max_length=2000),
    # On its way to the monitor, and nowhere else: it is not printed and not logged.
    PlainSerializer(SecretStr.get_secret_value, return_type=str, when_used="json-unless-none"),
]
"""As apprise writes it, such as `ntfy://topic`, or `alertmanager://host:9093`. It holds passwords and tokens."""


class Routing(Command):
    """Which alerts a target is sent, and when. A firing is always sent, unless the alert is silenced."""

    severities: tuple[Severity, ...] = Field(
        default=(), max_length=len(Severity), description="only alerts of these; none: all"
    )
    rules: tuple[RuleName, ...] = Field(default=(), max_length=200, description="only alerts of these rules; none: all")
    also: tuple[AlertState, ...] = Field(
        default=(AlertState.RESOLVED,),
        max_length=len(AlertState),
        description="changes that are sent beside a firing, of alerts whose firing was sent",
    )
    group_seconds: float = Field(
        default=5,
        ge=0,
        le=MOST_GROUP_SECONDS,
        description="how long an alert waits for others of its rule, with which it is one message",
    )
    enabled: bool = Field(default=True, description="false: it is kept, and nothing is sent")


class GivenTarget(Routing):
    """A target of the settings."""

    url: TargetUrl


class TargetWish(Routing):
    """A whole target, but for its name."""

    url: TargetUrl | None = Field(default=None, description="left out: as it was")


class PutTarget(TargetWish):
    """The whole target, made or replaced."""

    name: TargetName


class TargetRef(Command):
    name: TargetName


class TargetSource(StrEnum):
    SETTINGS = "settings"
    STORED = "stored"


class NotificationTarget(Record):
    """A target as it is shown: never its address, which holds secrets."""

    name: str
    kind: str = Field(description="the address's scheme, such as `mailto`, `slack`, `ntfy`, `alertmanager`")
    severities: tuple[Severity, ...] = ()
    rules: tuple[str, ...] = ()
    also: tuple[AlertState, ...] = ()
    group_seconds: float
    enabled: bool
    source: TargetSource = Field(description="`settings`: HIVE_ALERT_TARGETS, changed only there; `stored`: put by somebody")
    waiting: int = Field(default=0, description="changes of alerts that wait to be sent")
    sent_at: datetime | None = Field(default=None, description="when the monitor of now last sent something")
    failure: str | None = Field(default=None, description="why its last message was not taken; null: it was")


class TargetList(Record):
    """By name."""

    targets: tuple[NotificationTarget, ...] = ()


class SentTest(Record):
    """A message that says it is a test was taken."""

    name: str
    seconds: float
