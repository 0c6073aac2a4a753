"""Schedules between PostgreSQL and the rest of the coordinator: pure."""

from dataclasses import dataclass
from typing import Any

from bus.messages import Claims, Role, ScheduleProblem, ScheduleRecord, TaskRequest, Timing

_PLAIN = (
    *("id", "tenant", "owner", "name", "cron", "time_zone", "enabled", "catch_up", "overlap", "starts_at", "ends_at"),
    *("next_due", "last_due", "last_task_id", "created_at", "updated_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A schedule with what it takes to submit its task: `claims` are those of the key that it was made with, or of the user with the roles of now."""

    record: ScheduleRecord
    request: TaskRequest
    claims: Claims
    key_revoked: bool

    @property
    def timing(self) -> Timing:
        return timing_of(self.record)


def record_from(row: Any) -> ScheduleRecord:
    """With its task where the row has it."""
    problem = None if row["problem"] is None else ScheduleProblem.model_validate_json(row["problem"])
    task = TaskRequest.model_validate_json(row["request"]) if "request" in row else None
    return ScheduleRecord(last_problem=problem, task=task, **{name: row[name] for name in _PLAIN})


def standing_from(row: Any) -> Standing:
    return Standing(
        record=record_from(row),
        request=TaskRequest.model_validate_json(row["request"]),
        claims=_claims(row),
        key_revoked=row["key_revoked_at"] is not None,
    )


def _claims(row: Any) -> Claims:
    claims = Claims.model_validate_json(row["claims"])
    if claims.user_id is None or row["user_roles"] is None:
        return claims
    return claims.model_copy(update={"roles": tuple(Role(role) for role in row["user_roles"])})


def timing_of(record: ScheduleRecord) -> Timing:
    return Timing(cron=record.cron, time_zone=record.time_zone, starts_at=record.starts_at, ends_at=record.ends_at)
