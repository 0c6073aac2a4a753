"""Silences as they are asked for, made ready. Pure."""

from datetime import datetime, timedelta
from uuid import uuid4

from bus.errors import InvalidRequest
from bus.messages.alerts import FURTHEST_SILENCE, LONGEST_SILENCE, CreateSilence, Silence


def planned(wanted: CreateSilence, by: str, now: datetime) -> Silence:
    """InvalidRequest for one that names nothing, or for a time that is no use."""
    named = wanted.model_dump(include={"rule", "entity", "severity", "scope"})
    if not any(named.values()):
        raise InvalidRequest(
            "Name `rule`, `entity`, `severity` or `scope`: a silence of everything hides what nobody knows of. "
            "Maintenance of the whole hive is planned by `hive maintenance`."
        )
    starts_at = max(wanted.starts_at or now, now)
    ends_at = wanted.ends_at or starts_at + timedelta(minutes=wanted.minutes or 0)
    if not now < ends_at or not starts_at < ends_at <= starts_at + LONGEST_SILENCE or starts_at > now + FURTHEST_SILENCE:
        raise InvalidRequest(
            f"The silence must end in the future and after it begins, last {LONGEST_SILENCE.days} days at most, and begin within a year."
        )
    return Silence(id=uuid4(), by=by, starts_at=starts_at, ends_at=ends_at, reason=wanted.reason, **named)
