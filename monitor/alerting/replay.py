"""A rule held against the past of one agent, by the same code that watches the present. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bus.messages.alerts import Alert, AlertScope, Firing
from monitor.alerting.alerts import Alerts, Verdict
from monitor.alerting.rules import Rule, windows
from monitor.alerting.samples import Samples, Value

AVAILABLE = "agent_available"
Point = tuple[datetime, Mapping[str, float]]


def firings(
    rule: Rule, agent_id: str, points: Sequence[Point], *, every: timedelta, since: datetime, before: datetime
) -> list[Firing]:
    """When it would have fired from `since` on. Of an agent of which nothing was measured for twice `every`, that it was not available."""
    samples, alerts = Samples(), Alerts()
    samples.keep(windows((rule,)))
    key, fired = (AlertScope.AGENT, agent_id), dict[datetime, Alert]()
    last: dict[datetime, Alert] = {}
    for now, values in _steps(points, every, before):
        at = now.timestamp()
        samples.add(key, values, at)
        holds = rule.condition.holds(samples, key, at)
        verdict = Verdict(holds, rule.condition.values(samples, key, at) if holds else {})
        for alert in alerts.judge((rule,), {(rule.name, agent_id): verdict}, (), now):
            fired.setdefault(alert.fired_at, alert)
            last[alert.fired_at] = alert
    ends = {at: alert.resolved_at for at, alert in last.items()}
    return [
        Firing(entity=agent_id, fired_at=at, resolved_at=ends[at], values=alert.values)
        for at, alert in fired.items()
        if at >= since or (ends[at] or before) > since
    ]


def _steps(points: Sequence[Point], every: timedelta, before: datetime) -> Iterator[tuple[datetime, Mapping[str, Value]]]:
    """What was measured, when; and, where nothing was, that the agent was not available."""
    following: Iterable[datetime] = (*(at for at, _ in points[1:]), before)
    for (at, values), then in zip(points, following, strict=True):
        yield at, {**values, AVAILABLE: True}
        gone = at + 2 * every
        while gone < then:
            yield gone, {AVAILABLE: False}
            gone += every
