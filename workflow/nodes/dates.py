"""Dates as nodes read them: what Luxon would make of a text, a number of milliseconds, or nothing."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo


def parse_date(value: Any, zone: str) -> datetime | None:
    """Aware; a text without an offset is of the zone. None where it is no date."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _from_ms(float(value))
    text = str(value).strip()
    if re.fullmatch(r"-?\d{9,}", text):
        return _from_ms(float(text) * (1000 if len(text.lstrip("-")) <= 10 else 1))
    found = _from_iso(text) or _from_mail(text) or _from_american(text)
    if found is None:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(zone))


def _from_ms(value: float) -> datetime | None:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    except OverflowError:
        return None


def _from_iso(text: str) -> datetime | None:
    for candidate in (text, f"{text}-01", f"{text}-01-01"):
        try:
            return datetime.fromisoformat(candidate)
        except ValueError:
            continue
    return None


def _from_american(text: str) -> datetime | None:
    """As JavaScript's own Date reads it, of which n8n's servers are on UTC."""
    try:
        return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def _from_mail(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
