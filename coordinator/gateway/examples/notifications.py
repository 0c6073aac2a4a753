"""Examples of notifications for the API's own documentation."""

from typing import Final

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages.alerts import AlertState, Severity
from bus.messages.notifications import NotificationTarget, SentTest, TargetList, TargetSource
from coordinator.gateway.examples.time import NOON

TARGET: Final = NotificationTarget(
    name="ops",
    kind="ntfy",
    severities=(Severity.CRITICAL,),
    also=(AlertState.RESOLVED,),
    group_seconds=5,
    enabled=True,
    source=TargetSource.STORED,
    sent_at=NOON,
)
TARGETS: Final[dict[str, Example]] = {
    "ntfy": {
        "summary": "What is critical, to phones",
        "value": {"url": "ntfy://hive-alerts", "severities": ["critical"]},
    },
    "mail": {
        "summary": "All of two rules, by mail",
        "value": {
            "url": "mailto://hive:password@example.org?to=ops@example.org",
            "rules": ["agent_down", "hot"],
            "group_seconds": 60,
        },
    },
    "alertmanager": {"summary": "All, to a Prometheus Alertmanager", "value": {"url": "alertmanager://alertmanager:9093"}},
}
ANSWERS: Final[tuple[BaseModel, ...]] = (TARGET, TargetList(targets=(TARGET,)), SentTest(name="ops", seconds=0.4))
