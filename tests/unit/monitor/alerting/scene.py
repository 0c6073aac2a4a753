"""Rules held against things whose values a test says, by a clock that a test moves."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from bus.messages.alerts import Alert, AlertRule, AlertScope, AlertState, Severity, Silence
from monitor.alerting.alerts import Alerts, Verdict
from monitor.alerting.rules import Rule, defaults, ready, windows
from monitor.alerting.samples import Samples, Value

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def rule(
    condition: str, *, severity: Severity = Severity.WARNING, scope: AlertScope = AlertScope.AGENT, **more: float
) -> AlertRule:
    return AlertRule.model_validate({"condition": condition, "severity": severity, "scope": scope, "cooldown": 0, **more})


class Scene:
    def __init__(self, **written: AlertRule) -> None:
        self.rules = ready(written or defaults())
        self.samples, self.now = Samples(), NOON
        self.samples.keep(windows(self.rules))
        self.alerts, self.silences = Alerts(), list[Silence]()

    def wait(self, seconds: float) -> "Scene":
        self.now += timedelta(seconds=seconds)
        return self

    def hear(self, entity: str = "acacia", scope: AlertScope = AlertScope.AGENT, **values: Value) -> "Scene":
        self.samples.add((scope, entity), values, self.now.timestamp())
        return self

    def silence(self, seconds: float, **named: str) -> None:
        until = self.now + timedelta(seconds=seconds)
        silence = {"id": uuid4(), "reason": "known", "by": "ann", "starts_at": self.now, "ends_at": until, **named}
        self.silences.append(Silence.model_validate(silence))

    def judge(self) -> list[Alert]:
        at = self.now.timestamp()
        verdicts = {
            (each.name, entity): _verdict(each, self.samples, entity, at)
            for each in self.rules
            for entity in self.samples.keys(each.scope)
        }
        return self.alerts.judge(self.rules, verdicts, self.silences, self.now)

    def states(self) -> dict[str, AlertState]:
        """What this round changed, by rule."""
        return {alert.rule: alert.state for alert in self.judge()}


def _verdict(rule: Rule, samples: Samples, entity: str, at: float) -> Verdict:
    key = (rule.scope, entity)
    return Verdict(rule.condition.holds(samples, key, at), rule.condition.values(samples, key, at))
