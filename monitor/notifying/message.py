"""What is said of alerts to whoever is called, in plain words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bus.messages.alerts import Alert, AlertState, Severity

MOST_LINES: Final = 20
_FEW: Final = 3


class Tone(StrEnum):
    """apprise's own words for what a message is."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    body: str
    tone: Tone


TEST: Final = Words("Hive: a test", "This is a test. Alerts of Hive will come here.", Tone.INFO)
_TONES: Final = {Severity.INFO: Tone.INFO, Severity.WARNING: Tone.WARNING, Severity.CRITICAL: Tone.FAILURE}


def words_of(alerts: Sequence[Alert]) -> Words:
    """One message of all changes of one rule, at least one; of an alert that changed twice only the later is said."""
    latest = list({alert.id: alert for alert in sorted(alerts, key=lambda each: each.rank)}.values())
    latest.sort(key=lambda alert: (alert.state is AlertState.RESOLVED, alert.entity))
    open_ones = [alert for alert in latest if alert.active]
    first = (open_ones or latest)[0]
    lines = [_line(alert) for alert in latest[:MOST_LINES]]
    if len(latest) > MOST_LINES:
        lines.append(f"and {len(latest) - MOST_LINES} more: `hive alerts` lists them")
    about = first.summary or first.condition
    tone = _TONES[first.severity] if open_ones else Tone.SUCCESS
    return Words(_title(first, latest), "\n".join((about, "", *lines)), tone)


def _title(first: Alert, latest: Sequence[Alert]) -> str:
    of = [alert for alert in latest if alert.active is first.active]
    names = ", ".join(alert.entity for alert in of[:_FEW])
    more = f" and {len(of) - _FEW} more" if len(of) > _FEW else ""
    state = first.state.value if first.active else "resolved"
    mark = first.severity.value.upper() if first.active else "RESOLVED"
    return f"[{mark}] {first.rule} {state}: {names}{more}"


def _line(alert: Alert) -> str:
    values = ", ".join(
        f"{name} {value:g}" if not isinstance(value, bool) else f"{name} {str(value).lower()}"
        for name, value in alert.values.items()
    )
    told = [alert.entity, alert.state.value, f"since {alert.fired_at:%Y-%m-%d %H:%M:%S} UTC"]
    if alert.resolved_at is not None:
        told.append(f"until {alert.resolved_at:%H:%M:%S}")
    why = alert.reason or (f"acknowledged by {alert.acknowledged_by}" if alert.state is AlertState.ACKNOWLEDGED else "")
    return " · ".join(part for part in (*told, values, why) if part)
