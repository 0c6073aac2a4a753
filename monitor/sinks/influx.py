"""InfluxDB's line protocol, and where its two APIs take it. Pure. VictoriaMetrics, Telegraf and others take it, too.

A point is the same however often it is written: it is known by its measurement, its tags and its time.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from bus import subjects
from bus.client import Received
from bus.messages import PerformanceMetrics
from monitor.settings import MonitorSettings
from monitor.sinks.destination import Destination, each, nanoseconds, values_of

MEASUREMENT: Final = "hive_agent"
_TAG_ESCAPES: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})


def destination(settings: MonitorSettings) -> Destination | None:
    """None without HIVE_INFLUX_URL. With an organisation it is the API of version 2, else that of version 1."""
    if not settings.influx_url:
        return None
    base, name = settings.influx_url.rstrip("/"), settings.influx_database
    token = settings.influx_token.get_secret_value() if settings.influx_token else ""
    if settings.influx_org:
        asked = {"org": settings.influx_org, "bucket": name, "precision": "ns"}
        return _to(f"{base}/api/v2/write?{urlencode(asked)}", {"Authorization": f"Token {token}"} if token else {})
    return _to(f"{base}/write?{urlencode({'db': name, 'precision': 'ns'})}", _of_version_1(token))


def _to(url: str, headers: Mapping[str, str]) -> Destination:
    return Destination(
        name="influx",
        durable=subjects.INFLUX_SINK,
        url=url,
        settings="HIVE_INFLUX_URL, HIVE_INFLUX_DATABASE, HIVE_INFLUX_ORG or HIVE_INFLUX_TOKEN",
        headers=headers,
        read=lines,
        encode=encode,
    )


def _of_version_1(token: str) -> dict[str, str]:
    """`user:password`, or a token for a proxy that stands before it."""
    if not token:
        return {}
    if ":" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"}


def lines(batch: Iterable[Received]) -> tuple[list[str], int]:
    return each(batch, line_of)


def encode(found: Sequence[str]) -> bytes:
    return "\n".join(found).encode()


def line_of(metrics: PerformanceMetrics, at: datetime) -> str | None:
    """By the clock of the bus, as in PostgreSQL. None where nothing was measured. All values are floats, since a field keeps its type."""
    fields = ",".join(f"{name}={value!r}" for name, value in values_of(metrics).items())
    if not fields:
        return None
    return f"{MEASUREMENT},agent_id={metrics.agent_id.translate(_TAG_ESCAPES)} {fields} {nanoseconds(at)}"
