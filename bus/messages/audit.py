"""The audit log: who changed what, and who was refused (docs/adr/0062). No record ever holds a secret, a prompt or a document."""

from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, Field

from bus.messages.access import Role
from bus.messages.base import Command, Record, Slug, Text

MOST_RECORDS: Final = 1000


class AuditResult(StrEnum):
    """`begun`: what came of it is not known, since the process died that was at it."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


class AuditRecord(Record):
    """One change, or one refusal. It is told when it begins and again when it has ended; the later word is the whole truth.

    `action` is `<service>.<verb>` as on the bus, such as `workflows.update`; `via` the door and its route.
    """

    id: UUID
    at: AwareDatetime
    action: str
    sub: str
    roles: tuple[Role, ...] = ()
    tenant: Slug = "default"
    key_id: UUID | None = None
    address: str | None = None
    via: str | None = None
    object_id: str | None = None
    summary: str = ""
    result: AuditResult
    code: str | None = Field(default=None, description="of the error, docs/errors.md")
    message: str | None = None
    times: int = Field(default=1, ge=1, description="how often it was refused since the record before it that says the same")
    seconds: float | None = Field(default=None, description="how long it took")
    trace_id: str | None = Field(default=None, description="by which the logs of all rooms, and traces, are found")


class ListAudit(Command):
    """All that is given must hold. `cursor` is `next_cursor` of the page before."""

    sub: Text | None = Field(default=None, max_length=255, description="who")
    action: Text | None = Field(
        default=None, max_length=100, description="what: `workflows.update`, or all of a service: `workflows`"
    )
    object_id: Text | None = Field(default=None, max_length=255, description="of what")
    result: AuditResult | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(default=None, description="records of this time are left out")
    limit: int = Field(default=50, ge=1, le=MOST_RECORDS)
    cursor: Text | None = Field(default=None, max_length=100)


class AuditPage(Record):
    """Newest first."""

    records: tuple[AuditRecord, ...]
    next_cursor: str | None = None
