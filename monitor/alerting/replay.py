"""A rule held against the past of one thing, by the same code that watches the present. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from bus.messages.alerts import Alert, AlertScope, Firing
from monitor.alerting.alerts import Alerts, Verdict
from monitor.alerting.conditions import AVAILABLE
from monitor.alerting.rules import Rule, windows
from monitor.alerting.samples import Samples, Value

Point: TypeAlias = tuple[datetime, Mapping[str, Value]]


def firings(
    rule: Rule, entity: str, points: Sequence[Point], *, every: timedelta, since: datetime, before: datetime
) -> list[Firing]:
    """When it would have fired from `since` on. Of an agent of which nothing was measured for twice `every`, that it was not available."""
    samples, alerts = Samples(), Alerts()
    samples.keep(windows((rule,)))
    key, fired = (rule.scope, entity), dict[datetime, Alert]()
    last: dict[datetime, Alert] = {}
    for now, values in _steps(points, rule.scope, every, before):
        at = now.timestamp()
        if values:
            samples.add(key, values, at)
        else:
            samples.forget(key)
        holds = rule.condition.holds(samples, key, at)
        verdict = Verdict(holds, rule.condition.values(samples, key, at) if holds else {})
        for alert in alerts.judge((rule,), {(rule.name, entity): verdict}, (), now):
            fired.setdefault(alert.fired_at, alert)
            last[alert.fired_at] = alert
    ends = {at: alert.resolved_at for at, alert in last.items()}
    return [
        Firing(entity=entity, fired_at=at, resolved_at=ends[at], values=alert.values)
        for at, alert in fired.items()
        if at >= since or (ends[at] or before) > since
    ]


def _steps(
    points: Sequence[Point], scope: AlertScope, every: timedelta, before: datetime
) -> Iterator[tuple[datetime, Mapping[str, Value]]]:
    """What was known, when. Where nothing was, that of an agent says that it was not available, and of all else nothing."""
    there, gone = ({AVAILABLE: True}, {AVAILABLE: False}) if scope is AlertScope.AGENT else ({}, {})
    following: Iterable[datetime] = (*(at for at, _ in points[1:]), before)
    for (at, values), then in zip(points, following, strict=True):
        yield at, {**values, **there}
        silent = at + 2 * every
        while silent < then:
            yield silent, gone
            silent += every
