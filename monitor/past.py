"""The history of an agent's metrics, read from what the archive has stored, and of everything else that rules are about."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import from_json

from bus.messages.alerts import AlertScope
from bus.messages.history import ListMetrics, MetricsHistory, MetricsPoint, Resolution, Spread
from monitor.alerting.watched import Leaf
from monitor.replica import Reading

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
END: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Bounds that are always given let PostgreSQL leave out partitions without planning the question anew."""


class Past:
    def __init__(self, reading: Reading) -> None:
        self._sql = reading

    async def read(self, asked: ListMetrics) -> MetricsHistory:
        """DatabaseUnavailable."""
        bounds = (asked.since or BEGINNING, asked.before or END)
        rows = await self._sql.all(f"history_{asked.resolution}", asked.agent_id, *bounds, asked.limit + 1)
        points = tuple(_point(row, asked.resolution) for row in rows[: asked.limit])
        more = points[-1].timestamp if len(rows) > asked.limit else None
        return MetricsHistory(agent_id=asked.agent_id, resolution=asked.resolution, points=points, next_before=more)

    async def agents(self, resolution: Resolution, since: datetime, before: datetime) -> list[str]:
        """Those of which something is stored. DatabaseUnavailable."""
        return [row["agent_id"] for row in await self._sql.all(f"agents_{resolution}", since, before)]

    async def course(
        self, agent_id: str, resolution: Resolution, since: datetime, before: datetime
    ) -> list[tuple[datetime, dict[str, float]]]:
        """What was measured of an agent, oldest first; of a minute the mean. DatabaseUnavailable."""
        rows = await self._sql.all(f"history_{resolution}", agent_id, since, before, None)
        points = (_point(row, resolution) for row in reversed(rows))
        return [(point.timestamp, {name: spread["mean"] for name, spread in point.values.items()}) for point in points]

    async def leaves(self, scope: AlertScope, since: datetime, before: datetime) -> list[Leaf]:
        """What the watch saw of it, oldest first, from the last whole page before `since`. DatabaseUnavailable."""
        rows = await self._sql.all("watched", scope, since, before)
        return [Leaf(row["timestamp"], row["whole"], from_json(row["told"]) if row["told"] else {}) for row in rows]


def _point(row: Mapping[str, Any], resolution: Resolution) -> MetricsPoint:
    stored = from_json(row["metrics"])  # a third of what the standard library takes, a thousand times a page
    values = _measured(stored) if resolution is Resolution.RAW else stored
    return MetricsPoint.model_construct(timestamp=row["timestamp"], values=values)  # Hive's own rows: nothing to check


def _measured(stored: dict[str, Any]) -> dict[str, Spread]:
    flat = {**stored, **(stored.get("network_io") or {})}
    numbers = {name: float(value) for name, value in flat.items() if isinstance(value, int | float)}
    return {name: Spread(min=value, mean=value, max=value, n=1) for name, value in sorted(numbers.items())}
