"""InfluxDB's line protocol, and where its two APIs take it. Pure. VictoriaMetrics, Telegraf and others take it, too.

A point is the same however often it is written: it is known by its measurement, its tags and its time.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from bus.client import Received
from bus.errors import InvalidRequest
from bus.messages import PerformanceMetrics
from monitor.archive import row_of
from monitor.settings import MonitorSettings

MEASUREMENT: Final = "hive_agent"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TAG_ESCAPES: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})


@dataclass(frozen=True, slots=True)
class Destination:
    url: str
    headers: Mapping[str, str]


def destination(settings: MonitorSettings) -> Destination | None:
    """None without HIVE_INFLUX_URL. With an organisation it is the API of version 2, else that of version 1."""
    if not settings.influx_url:
        return None
    base, name = settings.influx_url.rstrip("/"), settings.influx_database
    token = settings.influx_token.get_secret_value() if settings.influx_token else ""
    if settings.influx_org:
        asked = {"org": settings.influx_org, "bucket": name, "precision": "ns"}
        return Destination(f"{base}/api/v2/write?{urlencode(asked)}", {"Authorization": f"Token {token}"} if token else {})
    return Destination(f"{base}/write?{urlencode({'db': name, 'precision': 'ns'})}", _of_version_1(token))


def _of_version_1(token: str) -> dict[str, str]:
    """`user:password`, or a token for a proxy that stands before it."""
    if not token:
        return {}
    if ":" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"}


def lines(batch: Iterable[Received]) -> tuple[list[str], int]:
    """A line for each, and how many were no metrics, or had no value."""
    found, refused = [], 0
    for received in batch:
        try:
            row_of(received)  # the same metrics as PostgreSQL has: none of another agent
            line = line_of(received.decode(PerformanceMetrics), received.stored_at)
        except InvalidRequest:
            line = None
        refused += line is None
        found += [] if line is None else [line]
    return found, refused


def line_of(metrics: PerformanceMetrics, stored_at: datetime | None) -> str | None:
    """By the clock of the bus, as in PostgreSQL. None where nothing was measured. All values are floats, since a field keeps its type."""
    values = metrics.model_dump(mode="json", exclude={"agent_id", "timestamp"}, exclude_none=True)
    fields = ",".join(f"{name}={float(value)!r}" for name, value in _flat(values))
    if not fields:
        return None
    microseconds = ((stored_at or metrics.timestamp) - _EPOCH) // timedelta(microseconds=1)
    return f"{MEASUREMENT},agent_id={metrics.agent_id.translate(_TAG_ESCAPES)} {fields} {microseconds * 1000}"


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}_")
        else:
            yield f"{before}{name}", value
