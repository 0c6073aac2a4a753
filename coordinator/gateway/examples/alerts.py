"""Examples of alerts for the API's own documentation."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages.alerts import (
    Alert,
    AlertChanges,
    AlertGroup,
    AlertList,
    AlertRule,
    AlertScope,
    AlertState,
    DryRunResult,
    Firing,
    RuleSet,
    RuleSource,
    Severity,
    Silence,
    SilenceList,
)
from bus.messages.history import Resolution
from coordinator.gateway.examples.time import NOON

_DOWN: Final = "agent_available == false"

ALERT: Final = Alert(
    id=UUID("b54c2b57-2f2c-5d2a-9c0e-6a9d0f9f4a10"),
    rule="agent_down",
    scope=AlertScope.AGENT,
    entity="acacia",
    severity=Severity.CRITICAL,
    condition=_DOWN,
    state=AlertState.FIRING,
    values={"agent_available": False},
    fired_at=NOON,
    changed_at=NOON,
)
_TAKEN: Final = ALERT.model_copy(
    update={
        "state": AlertState.ACKNOWLEDGED,
        "rank": 2,
        "changed_at": NOON + timedelta(minutes=2),
        "acknowledged_by": "anna",
    }
)
SILENCE: Final = Silence(
    id=UUID("5d0f4f1f-7a10-4b7e-9b8f-2a6f9c1e7d43"),
    entity="acacia",
    reason="a new card is built in",
    by="anna",
    starts_at=NOON,
    ends_at=NOON + timedelta(hours=1),
)
_SET: Final = RuleSet(
    alerts={"agent_down": AlertRule(condition=_DOWN, severity=Severity.CRITICAL, cooldown=60)}, source=RuleSource.DEFAULT
)
RULES: Final[dict[str, Example]] = {
    "rules": {
        "summary": "A host that is down, one that is hot for long, and a queue that grows",
        "value": {
            "alerts": {
                "agent_down": {"condition": _DOWN, "severity": "critical", "cooldown": 60},
                "hot": {"condition": "avg(gpu_temperature, 300) > 85", "severity": "warning", "for_seconds": 120},
                "queue": {"condition": "max(waiting, 600) > 1000", "severity": "info", "scope": "queue"},
            }
        },
    },
}
SILENCES: Final[dict[str, Example]] = {
    "agent": {"summary": "All of an agent", "value": {"entity": "acacia", "minutes": 60, "reason": "a new card is built in"}},
    "window": {
        "summary": "A night's work on all hosts of a rack",
        "value": {
            "entity": "rack2-*",
            "starts_at": "2026-12-01T22:00:00Z",
            "ends_at": "2026-12-02T04:00:00Z",
            "reason": "new switches",
        },
    },
    "rule": {"summary": "One rule", "value": {"rule": "high_cpu", "minutes": 15, "reason": "known"}},
}
DRY_RUNS: Final[dict[str, Example]] = {
    "day": {
        "summary": "The last day",
        "value": {"rule": {"condition": "avg(gpu_temperature, 300) > 85", "severity": "warning", "for_seconds": 120}},
    },
    "queue": {
        "summary": "Of the queue, over two hours",
        "value": {
            "rule": {"condition": "max(waiting, 600) > 1000", "severity": "info", "scope": "queue"},
            "since": "2026-12-01T10:00:00Z",
            "before": "2026-12-01T12:00:00Z",
        },
    },
}
_DRY_RUN: Final = DryRunResult(
    since=NOON - timedelta(days=1),
    before=NOON,
    resolution=Resolution.MINUTE,
    entities=3,
    firings=(
        Firing(
            entity="acacia",
            fired_at=NOON - timedelta(hours=3),
            resolved_at=NOON - timedelta(hours=2),
            values={"avg(gpu_temperature, 300)": 87.5},
        ),
    ),
)
_GROUP: Final = AlertGroup(rule="agent_down", severity=Severity.CRITICAL, entities=("acacia",))
ANSWERS: Final[tuple[BaseModel, ...]] = (
    ALERT,
    AlertList(alerts=(ALERT,), groups=(_GROUP,)),
    AlertChanges(changes=(ALERT, _TAKEN)),
    _SET,
    SILENCE,
    _DRY_RUN,
    SilenceList(silences=(SILENCE,)),
)
