"""`hive audit`: who changed what, and who was refused."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from bus import subjects
from bus.client import Received
from bus.errors import InvalidRequest
from bus.messages.audit import MOST_RECORDS, AuditPage, AuditRecord, AuditResult, ListAudit
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import console, print_table

COLUMNS = ("When", "Who", "What", "Of", "Result", "From", "Details")


@command
async def audit(
    who: Annotated[str | None, typer.Option(help="Only what this user did.", metavar="USER")] = None,
    what: Annotated[str | None, typer.Option(help="workflows.update, or all of a service: workflows.")] = None,
    of: Annotated[str | None, typer.Option(help="Only of the thing with this id or name.", metavar="ID")] = None,
    result: Annotated[AuditResult | None, typer.Option(help="What came of it.")] = None,
    since: Annotated[datetime | None, typer.Option(help="From then on, by UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_RECORDS, help="How many.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens from now on.")] = False,
    as_json: Json = False,
) -> None:
    """Show who changed what, and who was refused, newest last. With --json a record a line."""
    asked = ListAudit(sub=who, action=what, object_id=of, result=result, since=since and since.replace(tzinfo=UTC), limit=limit)
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_AUDIT, "list")
        page = await bus.request(verb, asked, AuditPage, timeout=REQUEST_SECONDS)
        _print(page, as_json)
        if not follow:
            return

        async def told(received: Received) -> None:
            try:
                record = received.decode(AuditRecord)
            except InvalidRequest:
                return
            if record.result is not AuditResult.BEGUN and wanted(record, asked):
                print(_line(record) if as_json else "  ".join(_row(record)), flush=True)

        await bus.subscribe(subjects.ALL_AUDIT, told)
        await asyncio.Event().wait()


def wanted(record: AuditRecord, asked: ListAudit) -> bool:
    """As the monitor's query has it."""
    of_service = asked.action is None or record.action == asked.action or record.action.startswith(f"{asked.action}.")
    same = ((asked.sub, record.sub), (asked.object_id, record.object_id), (asked.result, record.result))
    return of_service and all(wish is None or wish == is_so for wish, is_so in same)


def _print(page: AuditPage, as_json: bool) -> None:
    records = reversed(page.records)
    if as_json:
        for record in records:
            print(_line(record))
        return
    print_table(COLUMNS, [_row(record) for record in records], "Nobody has changed anything, or been refused.")
    if page.next_cursor is not None:
        console.print("There are more; --limit shows them, --since and --who less.")


def _line(record: AuditRecord) -> str:
    return record.model_dump_json(exclude_none=True)


def _row(record: AuditRecord) -> tuple[str, ...]:
    result = record.result.value if record.code is None else f"{record.result.value} ({record.code})"
    times = f" ×{record.times}" if record.times > 1 else ""
    details = record.summary or record.message or ""
    return (
        f"{record.at:%Y-%m-%d %H:%M:%S}",
        record.sub or "(nobody)",
        record.action,
        record.object_id or "",
        result + times,
        record.address or "bus",
        details,
    )
