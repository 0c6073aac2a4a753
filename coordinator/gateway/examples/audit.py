"""Examples of the audit log, for the API's documentation."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from bus.messages import Role
from bus.messages.audit import AuditPage, AuditRecord, AuditResult

_AT: Final = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
_DONE: Final = AuditRecord(
    id=UUID("5b0f8c1e-64a7-4b0e-9a53-6a0f3b0c7d11"),
    at=_AT,
    action="workflows.update",
    sub="anna",
    roles=(Role.DEVELOPER,),
    key_id=UUID("22222222-2222-4222-8222-222222222222"),
    address="192.168.1.20",
    via="PUT /api/workflows/8f0d6a0e-0d58-4f7c-a3b5-7b0f0a9f7c11",
    object_id="8f0d6a0e-0d58-4f7c-a3b5-7b0f0a9f7c11",
    summary="id=8f0d6a0e-0d58-4f7c-a3b5-7b0f0a9f7c11, name=Orders, document=(4 fields)",
    result=AuditResult.DONE,
    seconds=0.012,
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
)
PAGE: Final = AuditPage(records=(_DONE,)).model_dump(mode="json")
