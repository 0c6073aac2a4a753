"""Targets, and which changes of alerts are for them. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages.alerts import Alert, AlertState
from bus.messages.notifications import MOST_TARGETS, GivenTarget, NotificationTarget, Routing, TargetName, TargetSource

ALERTMANAGER: Final = ("alertmanager", "alertmanagers")
LOCAL: Final = ("dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows")
"""What apprise would show on the machine of the monitor, where nobody looks."""
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_GIVEN: Final = TypeAdapter(dict[TargetName, GivenTarget])


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    url: str = field(repr=False)
    routing: Routing
    source: TargetSource = TargetSource.STORED

    @property
    def kind(self) -> str:
        return kind_of(self.url)

    @property
    def is_alertmanager(self) -> bool:
        return self.kind in ALERTMANAGER

    def covers(self, alert: Alert) -> bool:
        return (
            self.routing.enabled
            and (not self.routing.severities or alert.severity in self.routing.severities)
            and (not self.routing.rules or alert.rule in self.routing.rules)
        )

    def wants(self, alert: Alert) -> bool:
        return self.covers(alert) and (alert.state is AlertState.FIRING or alert.state in self.routing.also)

    def shown(self, waiting: int, sent_at: datetime | None, failure: str | None) -> NotificationTarget:
        routing = self.routing.model_dump(include=set(Routing.model_fields))
        return NotificationTarget(
            name=self.name, kind=self.kind, source=self.source, waiting=waiting, sent_at=sent_at, failure=failure, **routing
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """A change of an alert that a target is to be told, from when on."""

    target: str
    alert: Alert
    due_at: datetime


def kind_of(url: str) -> str:
    """InvalidRequest for what is no address of a target. Never repeats it."""
    found = _SCHEME.match(url)
    kind = found[1].lower() if found else ""
    if not kind or kind in LOCAL:
        raise InvalidRequest(
            "A target's address is one that apprise reads and that leads away from this machine, such as `ntfy://topic`, "
            "`mailto://user:password@example.org` or `slack://…`; or `alertmanager://host:9093`."
        )
    return kind


def notices(targets: Iterable[Target], changed: Iterable[Alert]) -> list[Notice]:
    """What is to be sent of these changes. An Alertmanager is told how all stand instead (monitor/notifying/alertmanager.py)."""
    mailed = [target for target in targets if not target.is_alertmanager]
    return [
        Notice(target.name, alert, alert.changed_at + timedelta(seconds=target.routing.group_seconds))
        for alert in changed
        for target in mailed
        if target.wants(alert)
    ]


def given(text: str | None) -> tuple[Target, ...]:
    """Those of HIVE_ALERT_TARGETS. InvalidRequest, in words and without the addresses."""
    if not text:
        return ()
    try:
        written = _GIVEN.validate_json(text)
    except ValidationError as error:
        raise InvalidRequest(f"HIVE_ALERT_TARGETS holds no targets: {explain(error).message}") from None
    if len(written) > MOST_TARGETS:
        raise InvalidRequest(f"HIVE_ALERT_TARGETS holds more than {MOST_TARGETS} targets.")
    return tuple(_given(name, target) for name, target in sorted(written.items()))


def _given(name: str, target: GivenTarget) -> Target:
    url = target.url.get_secret_value()
    try:
        kind_of(url)
    except InvalidRequest as error:
        raise InvalidRequest(f"HIVE_ALERT_TARGETS, `{name}`: {error.message}") from None
    routing = Routing(**target.model_dump(exclude={"url"}))
    return Target(name, url, routing, TargetSource.SETTINGS)


def merged(settings: Iterable[Target], stored: Iterable[Target]) -> Mapping[str, Target]:
    """By name; the settings' word holds."""
    return dict(sorted(({target.name: target for target in stored} | {target.name: target for target in settings}).items()))
