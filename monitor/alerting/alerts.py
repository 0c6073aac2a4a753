"""What becomes of alerts: one round after the other, from what the conditions say. No I/O; the clock is passed in.

A condition that is unknown changes nothing for a while: a monitor that has just started has heard of nobody yet, and what fires is not
over because of that.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from bus.errors import Conflict, NotFound
from bus.messages.alerts import DAY_SECONDS, Alert, AlertGroup, AlertScope, AlertState, Silence
from monitor.alerting.rules import Rule
from monitor.alerting.samples import Value

UNKNOWN_FOR: Final = timedelta(minutes=5)
"""After so long without a word of what an alert is about, it is over."""
_COOLED: Final = timedelta(seconds=DAY_SECONDS)
"""No cooldown is longer."""
_IDS: Final = UUID("3f2a6a0e-7f0f-4a0e-9d3c-5b1f0f6c2f11")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says of one thing."""

    holds: bool | None
    values: Mapping[str, Value] = field(default_factory=dict)


AlertKey = tuple[str, str]
"""Rule and entity."""
_NOTHING: Final = Verdict(None)


class Alerts:
    """`known` is how alerts stood when a monitor last said so, resolved ones included: their cooldown goes on."""

    def __init__(self, known: Iterable[Alert] = ()) -> None:
        self._alerts = {(alert.rule, alert.entity): alert for alert in known}
        self._since: dict[AlertKey, datetime] = {}
        self._heard: dict[AlertKey, datetime] = {}

    @property
    def active(self) -> tuple[Alert, ...]:
        return tuple(alert for alert in self._alerts.values() if alert.active)

    @property
    def all(self) -> tuple[Alert, ...]:
        """Those that are over among them, for as long as a cooldown may be."""
        return tuple(self._alerts.values())

    def judge(
        self, rules: Iterable[Rule], verdicts: Mapping[AlertKey, Verdict], silences: Iterable[Silence], now: datetime
    ) -> list[Alert]:
        """One round. Returns the alerts that changed, as they are now; `rules` has those that inhibit first."""
        self._forget(verdicts, now)
        by_name, before = {rule.name: rule for rule in rules}, dict(self._alerts)
        for key in [key for key, alert in self._alerts.items() if alert.active and key not in verdicts]:
            self._unheard(key, by_name.get(key[0]), now)
        for rule in by_name.values():
            for key, verdict in verdicts.items():
                if key[0] == rule.name:
                    self._weigh(rule, key, verdict, now)
        self._silence(by_name, [silence for silence in silences if silence.starts_at <= now < silence.ends_at], verdicts, now)
        return [alert for key, alert in self._alerts.items() if before.get(key) != alert]

    def begin_anew(self, rules: Collection[str]) -> None:
        """These ask for something else now: for how long that holds counts from here."""
        self._since = {key: since for key, since in self._since.items() if key[0] not in rules}

    def put_back(self, alert: Alert) -> None:
        """What became of it was not kept."""
        self._alerts[alert.rule, alert.entity] = alert

    def acknowledge(self, alert_id: UUID, by: str, now: datetime) -> Alert:
        """NotFound; Conflict for one that is over."""
        for key, alert in self._alerts.items():
            if alert.id == alert_id:
                if not alert.active:
                    raise Conflict(f"The alert {alert.rule} of {alert.entity} is resolved already.")
                if alert.state is not AlertState.ACKNOWLEDGED:
                    self._change(key, now, state=AlertState.ACKNOWLEDGED, acknowledged_by=by, reason=None)
                return self._alerts[key]
        raise NotFound(f"There is no alert {alert_id} that fires or fired last. `hive alerts` lists them.")

    def _forget(self, verdicts: Mapping[AlertKey, Verdict], now: datetime) -> None:
        """What is over and cooled, and how long something held that nothing is said of any more."""
        for key in [key for key, alert in self._alerts.items() if not alert.active and now - alert.fired_at >= _COOLED]:
            del self._alerts[key]
        self._since = {key: since for key, since in self._since.items() if key in verdicts}
        active = {(alert.rule, alert.entity) for alert in self.active}
        self._heard = {key: heard for key, heard in self._heard.items() if key in verdicts or key in active}

    def _weigh(self, rule: Rule, key: AlertKey, verdict: Verdict, now: datetime) -> None:
        alert = self._alerts.get(key)
        if verdict.holds is None:
            self._unheard(key, rule, now)
            return
        self._heard[key] = now
        if not verdict.holds:
            self._since.pop(key, None)
            if alert is not None and alert.active:
                self._resolve(key, now, None, verdict)
            return
        since = self._since.setdefault(key, now)
        cooled = alert is None or now - alert.fired_at >= timedelta(seconds=rule.written.cooldown)
        if (alert is None or not alert.active) and cooled and now - since >= timedelta(seconds=rule.written.for_seconds):
            self._alerts[key] = _fired(rule, key[1], verdict, now)

    def _unheard(self, key: AlertKey, rule: Rule | None, now: datetime) -> None:
        """The condition held without a break only as far as that is known."""
        self._since.pop(key, None)
        alert = self._alerts.get(key)
        if alert is None or not alert.active:
            self._heard.pop(key, None)
        elif rule is None:
            self._resolve(key, now, "its rule is gone or disabled", _NOTHING)
        elif now - self._heard.setdefault(key, now) >= UNKNOWN_FOR:
            self._resolve(key, now, f"nothing was heard of {key[1]} for {UNKNOWN_FOR.seconds // 60} minutes", _NOTHING)

    def _resolve(self, key: AlertKey, now: datetime, reason: str | None, verdict: Verdict) -> None:
        self._heard.pop(key, None)
        values = dict(verdict.values) or self._alerts[key].values
        self._change(key, now, state=AlertState.RESOLVED, resolved_at=now, reason=reason, values=values)

    def _silence(
        self, rules: Mapping[str, Rule], silences: list[Silence], verdicts: Mapping[AlertKey, Verdict], now: datetime
    ) -> None:
        """Between firing and silenced. What somebody has acknowledged stays so; what is unknown is not told to fire again."""
        inhibiting = {
            alert.entity: alert.rule for alert in self.active if alert.scope is AlertScope.AGENT and rules[alert.rule].inhibits
        }
        for key, alert in list(self._alerts.items()):
            if alert.state not in (AlertState.FIRING, AlertState.SILENCED):
                continue
            reason = _reason(alert, rules[alert.rule], inhibiting, silences)
            state = AlertState.FIRING if reason is None else AlertState.SILENCED
            unknown = verdicts.get(key, _NOTHING).holds is None
            if state is not alert.state and not (unknown and state is AlertState.FIRING):
                self._change(key, now, state=state, reason=reason)

    def _change(self, key: AlertKey, now: datetime, **changes: object) -> None:
        alert = self._alerts[key]
        self._alerts[key] = alert.model_copy(update={"rank": alert.rank + 1, "changed_at": now, **changes})


def _reason(alert: Alert, rule: Rule, inhibiting: Mapping[str, str], silences: list[Silence]) -> str | None:
    """Why nobody is to be called by it."""
    if alert.scope is AlertScope.AGENT and not rule.inhibits and (other := inhibiting.get(alert.entity)):
        return f"{other} fires for {alert.entity}"
    for silence in silences:
        if silence.covers(alert):
            return f"silenced by {silence.by}: {silence.reason}"
    return None


def _fired(rule: Rule, entity: str, verdict: Verdict, now: datetime) -> Alert:
    return Alert(
        id=uuid5(_IDS, f"{rule.name}/{entity}/{now.isoformat()}"),
        rule=rule.name,
        scope=rule.scope,
        entity=entity,
        severity=rule.written.severity,
        condition=rule.condition.text,
        summary=rule.written.summary,
        state=AlertState.FIRING,
        values=dict(verdict.values),
        fired_at=now,
        changed_at=now,
    )


def grouped(alerts: Iterable[Alert]) -> tuple[AlertGroup, ...]:
    """What is active, one group a rule, the gravest first."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.active:
            found.setdefault(alert.rule, []).append(alert)
    order = ("critical", "warning", "info")
    groups = [
        AlertGroup(rule=rule, severity=held[0].severity, entities=tuple(sorted(alert.entity for alert in held)))
        for rule, held in found.items()
    ]
    return tuple(sorted(groups, key=lambda group: (order.index(group.severity), group.rule)))
