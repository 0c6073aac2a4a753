"""The audit log: who changed what, and who was refused."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from bus import subjects, telemetry
from bus.auth import Permission
from bus.errors import HiveError
from bus.messages import Claims
from bus.messages.audit import MOST_RECORDS, AuditPage, ListAudit
from coordinator.gateway import verbs
from coordinator.gateway.examples import audit as examples
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.routes.declared import Caller, Door, Responses, answer, needs

logger = telemetry.log(__name__)

router = APIRouter(prefix="/api/audit", tags=["audit"])

NDJSON: Final = "application/x-ndjson"
_PAGE: Final[Responses] = {200: {"content": {"application/json": {"example": examples.PAGE}}}}
_LINES: Final[Responses] = {200: {"description": "A record a line", "content": {NDJSON: {"schema": {"type": "string"}}}}}


@router.get("", summary="List records, newest first", response_model=AuditPage, **needs(Permission.AUDIT_VIEW, also=_PAGE))
async def list_records(query: Annotated[ListAudit, Query()], gateway: Door, caller: Caller) -> Response:
    """Of changes, whoever made them by whatever door, and of what was refused. `next_cursor` of one page is `cursor` of the next."""
    return answer(await _page(gateway, query, caller))


@router.get("/export", summary="Export records", response_class=StreamingResponse, **needs(Permission.AUDIT_VIEW, also=_LINES))
async def export(query: Annotated[ListAudit, Query()], gateway: Door, caller: Caller) -> Response:
    """All that the filters let through, newest first, as JSON lines; `limit` and `cursor` are of no account."""
    first = await _page(gateway, query.model_copy(update={"limit": MOST_RECORDS, "cursor": None}), caller)
    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"', "Cache-Control": "no-store"}
    return StreamingResponse(_lines(gateway, query, caller, first), media_type=NDJSON, headers=headers)


async def _lines(gateway: Gateway, query: ListAudit, caller: Claims, page: AuditPage) -> AsyncIterator[str]:
    """Cut off where a page cannot be had, so that nobody takes a part for the whole."""
    while True:
        yield "".join(f"{record.model_dump_json(exclude_none=True)}\n" for record in page.records)
        if page.next_cursor is None:
            return
        asked = query.model_copy(update={"limit": MOST_RECORDS, "cursor": page.next_cursor})
        try:
            page = await _page(gateway, asked, caller)
        except HiveError as error:
            logger.warning("audit_export_cut_off", code=error.code)
            raise


async def _page(gateway: Gateway, asked: ListAudit, caller: Claims) -> AuditPage:
    return await verbs.ask(gateway.bus, subjects.SERVICE_AUDIT, "list", asked, AuditPage, caller)
