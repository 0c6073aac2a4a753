"""Tells a Prometheus Alertmanager how alerts stand, as Prometheus does: all that matter, again and again.

It forgets what nobody repeats, and repeats nothing itself; so nothing is kept of what it was told.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bus.errors import InvalidRequest, NotificationFailed
from bus.messages.alerts import Alert, AlertState

REPEAT_SECONDS: Final = 60.0
STANDS: Final = timedelta(minutes=5)
"""What is not repeated for so long is over for it: then there is no hive that could say so."""
TEST_STANDS: Final = timedelta(minutes=1)
RECENT: Final = timedelta(minutes=15)
SECONDS: Final = 10.0
_PATH: Final = "/api/v2/alerts"
_CALLS: Final = (AlertState.FIRING, AlertState.ACKNOWLEDGED)


def posted(alerts: Iterable[Alert], now: datetime) -> list[dict[str, Any]]:
    """What calls somebody stands for a while; what is silenced or resolved, and is news, has ended."""
    return [_posted(alert, now) for alert in alerts if alert.state in _CALLS or now - alert.changed_at < RECENT]


def _posted(alert: Alert, now: datetime) -> dict[str, Any]:
    ends = now + STANDS if alert.state in _CALLS else alert.changed_at
    values = ", ".join(f"{name} = {value}" for name, value in alert.values.items())
    said = {"summary": alert.summary or alert.condition, "condition": alert.condition, "values": values}
    return {
        "labels": {
            "alertname": alert.rule,
            "severity": alert.severity.value,
            "scope": alert.scope.value,
            alert.scope.value: alert.entity,
            "source": "hive",
        },
        "annotations": {name: text for name, text in said.items() if text},
        "startsAt": alert.fired_at.isoformat(),
        "endsAt": ends.isoformat(),
    }


def test(now: datetime) -> list[dict[str, Any]]:
    """An alert that says it is none, and is over at once."""
    labels = {"alertname": "hive_test", "severity": "info", "source": "hive"}
    summary = {"summary": "This is a test. Alerts of Hive will come here."}
    return [{"labels": labels, "annotations": summary, "startsAt": now.isoformat(), "endsAt": (now + TEST_STANDS).isoformat()}]


def address(url: str) -> str:
    """Where to post, for `alertmanager://[user:password@]host[:port][/path]`; with an s by TLS. InvalidRequest for another form."""
    try:
        parts = urlsplit(url)
        port = parts.port or 9093
    except ValueError:
        parts, port = urlsplit(""), 0
    if not parts.hostname or parts.query or parts.fragment:
        raise InvalidRequest(
            "Write the address of an Alertmanager like `alertmanager://host:9093`, or `alertmanagers://` for TLS."
        )
    scheme = "https" if parts.scheme.endswith("s") else "http"
    user, host = parts.netloc.rpartition("@")[0], f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{user}{'@' if user else ''}{host}:{port}{parts.path.rstrip('/')}{_PATH}"


async def post(url: str, alerts: list[dict[str, Any]]) -> None:
    """NotificationFailed, in words that hold nothing of the address."""
    try:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client:
            answer = await client.post(address(url), json=alerts)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotificationFailed(f"it could not be reached ({type(error).__name__})") from None
    if not answer.is_success:
        raise NotificationFailed(f"it answered HTTP {answer.status_code}")
