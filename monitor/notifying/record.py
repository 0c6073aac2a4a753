"""Targets, and what is to be sent to them, in PostgreSQL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bus.database import NamedStatements, available
from bus.messages.alerts import Alert
from bus.messages.notifications import Routing
from monitor.notifying.targets import Notice
from monitor.sql import queries


@dataclass(frozen=True, slots=True)
class SealedTarget:
    """As it is stored. `kind` is the scheme of the address, which alone may be read."""

    name: str
    key_id: str
    sealed: bytes = field(repr=False)
    kind: str
    routing: Routing


class NotificationRecord:
    """Every method: DatabaseUnavailable."""

    def __init__(self, executor: Any) -> None:
        self._sql = NamedStatements(executor, queries())

    async def targets(self) -> list[SealedTarget]:
        with available():
            rows = await self._sql.all("alert_targets")
        return [
            SealedTarget(
                row["name"], row["key_id"], bytes(row["sealed"]), row["kind"], Routing.model_validate_json(row["routing"])
            )
            for row in rows
        ]

    async def put(self, target: SealedTarget, by: str) -> None:
        with available():
            await self._sql.run(
                "put_alert_target",
                *(target.name, target.key_id, target.sealed, target.kind, target.routing.model_dump_json(), by),
            )

    async def remove(self, name: str) -> None:
        """With what waits to be sent to it."""
        with available():
            await self._sql.run("remove_alert_target", name)

    async def unsent(self, names: Iterable[str], since: datetime, limit: int) -> list[Notice]:
        """Changes later than `since`, so many of each target, the one that is due first first."""
        with available():
            rows = await self._sql.all("unsent_notices", list(names), since, limit)
        return [Notice(row["target"], Alert.model_validate_json(row["record"]), row["due_at"]) for row in rows]

    async def sent(self, target: str, alerts: Sequence[Alert], at: datetime) -> None:
        with available():
            await self._sql.run("sent_notices", target, [alert.id for alert in alerts], [alert.state for alert in alerts], at)

    async def forget(self) -> None:
        with available():
            await self._sql.run("forget_notices")
            await self._sql.run("forget_lost_notices")
