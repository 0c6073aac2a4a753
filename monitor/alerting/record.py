"""Alerts, rules and silences in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bus.database import NamedStatements, available
from bus.messages.alerts import Alert, AlertRule, AlertState, ListAlerts, Silence
from monitor.notifying.targets import Notice
from monitor.sql import queries

_RULES = TypeAdapter(dict[str, AlertRule])


class AlertRecord:
    """On a pool, or on the one connection that holds the lock. Every method: DatabaseUnavailable."""

    def __init__(self, executor: Any) -> None:
        self._sql = NamedStatements(executor, queries())

    async def alive(self) -> None:
        """Whether the session, and the lock that it holds, is still there."""
        with available():
            await self._sql.one("alive")

    async def known(self) -> list[Alert]:
        return await self._alerts("known_alerts")

    async def untold(self) -> list[Alert]:
        return await self._alerts("untold_alerts")

    async def listed(self, asked: ListAlerts) -> list[Alert]:
        """Of one state, or all that are not over; the last to change first."""
        states = [state for state in AlertState if state is not AlertState.RESOLVED] if asked.state is None else [asked.state]
        return await self._alerts("list_alerts", states, asked.severity, asked.limit)

    async def changes(self, alert_id: UUID) -> list[Alert]:
        """As it was after each, oldest first; none of one that is not known."""
        return await self._alerts("alert_changes", alert_id)

    async def save(self, alerts: Sequence[Alert], notices: Sequence[Notice] = ()) -> None:
        """In one statement: all or none, each as it stands and as a change, with what is to be sent of them."""
        names = ("id", "rule", "entity", "severity", "state", "fired_at", "changed_at")
        columns = [[getattr(alert, name) for alert in alerts] for name in names]
        told = [notice.alert for notice in notices]
        sent = (
            *([notice.target for notice in notices], [alert.id for alert in told], [alert.state for alert in told]),
            *([alert.changed_at for alert in told], [notice.due_at for notice in notices]),
            [alert.model_dump_json() for alert in told],
        )
        with available():
            await self._sql.run("save_alerts", *columns, [alert.model_dump_json() for alert in alerts], *sent)

    async def told(self, alert: Alert) -> None:
        with available():
            await self._sql.run("told_alert", alert.id, alert.rank)

    async def forget(self, older_seconds: float) -> None:
        """What is over for so long; 0: nothing."""
        with available():
            if older_seconds:
                await self._sql.run("forget_alerts", older_seconds)
            await self._sql.run("forget_silences")

    async def rules(self) -> Mapping[str, AlertRule] | None:
        """None: nobody has put any."""
        with available():
            row = await self._sql.one("alert_rules")
        return None if row is None else _RULES.validate_json(row["rules"])

    async def put_rules(self, rules: Mapping[str, AlertRule], by: str) -> None:
        with available():
            await self._sql.run("put_alert_rules", _RULES.dump_json(dict(rules)).decode(), by)

    async def reset_rules(self) -> None:
        """As if nobody had put any."""
        with available():
            await self._sql.run("reset_alert_rules")

    async def silences(self, now: datetime) -> list[Silence]:
        """Those that hold or are planned, the one that ends first first."""
        with available():
            return [Silence.model_validate_json(row["record"]) for row in await self._sql.all("alert_silences", now)]

    async def save_silence(self, silence: Silence) -> None:
        with available():
            await self._sql.run("save_silence", silence.id, silence.ends_at, silence.model_dump_json())

    async def _alerts(self, name: str, *arguments: Any) -> list[Alert]:
        with available():
            return [Alert.model_validate_json(row["record"]) for row in await self._sql.all(name, *arguments)]
