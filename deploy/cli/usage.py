"""`hive usage`: what was used and by whom, quotas on it, and hosts that have become slower."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ValidationError

from bus import subjects
from bus.codec import explain
from bus.messages import NoReply
from bus.messages.usage import (
    ListUsage,
    PutQuota,
    Quota,
    QuotaKind,
    QuotaList,
    QuotaPeriod,
    QuotaRef,
    QuotaUnit,
    SlowHosts,
    UsageBy,
    UsageReport,
    UsageRow,
)
from bus.quotas import amount, words
from bus.tenancy import HOME, person
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import print_json, print_table, say

app = typer.Typer(help="What was used, and quotas.", invoke_without_command=True)
_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day of UTC, as 2027-01-31.")]
_Kind = Annotated[QuotaKind, typer.Argument(help="Whose: a user's, a key's, or a workflow's.")]
_Name = Annotated[str, typer.Argument(help="The user's name, or the id as `hive keys list` or `hive workflow list` shows it.")]
_Unit = Annotated[QuotaUnit, typer.Option(help="Of what; watt_hours where cards tell their power.")]
_Tenant = Annotated[str, typer.Option(help="Whose user it is.")]
_Period = Annotated[QuotaPeriod, typer.Option("--per", help="In what time, by UTC.")]


async def _ask(verb: str, body: BaseModel, answer: type[Any]) -> Any:
    async with operator_bus() as bus:
        return await bus.request(subjects.service_verb(subjects.SERVICE_USAGE, verb), body, answer, timeout=REQUEST_SECONDS)


@app.callback()
def default(
    context: typer.Context,
    by: Annotated[UsageBy, typer.Option(help="What the rows stand for.")] = UsageBy.USER,
    since: _Day = None,
    until: _Day = None,
    user: Annotated[str | None, typer.Option(help="Only what this user used.")] = None,
    as_json: Json = False,
) -> None:
    if context.invoked_subcommand is None:
        report(by=by, since=since, until=until, user=user, as_json=as_json)


@app.command()
@command
async def report(
    by: Annotated[UsageBy, typer.Option(help="What the rows stand for.")] = UsageBy.USER,
    since: _Day = None,
    until: _Day = None,
    user: Annotated[str | None, typer.Option(help="Only what this user used.")] = None,
    as_json: Json = False,
) -> None:
    """Show tokens, seconds and energy; of this month, or other days."""
    asked = ListUsage(by=by, since=since and since.date(), until=until and until.date(), user=user, limit=1000)
    found: UsageReport = await _ask("report", asked, UsageReport)
    if as_json:
        print_json(found)
        return
    columns = (by.value.capitalize(), "Tasks", "Prompt tokens", "Answer tokens", "Seconds", "Wh")
    print_table(columns, [_row(row) for row in found.rows], f"Nothing was used from {found.since} to {found.until}.")


def _row(row: UsageRow) -> tuple[object, ...]:
    energy = "" if row.watt_hours is None else f"{row.watt_hours:,.1f}"
    tokens = (f"{row.prompt_tokens:,}", f"{row.completion_tokens:,}")
    return row.name or "(none)", f"{row.tasks:,}", *tokens, f"{row.seconds:,.1f}", energy


@app.command()
@command
async def quotas(as_json: Json = False) -> None:
    """Show every quota, and what of it is used."""
    found: QuotaList = await _ask("quotas", NoReply(), QuotaList)
    if as_json:
        print_json(found)
    else:
        _print_quotas(found.quotas)


def _print_quotas(found: tuple[Quota, ...]) -> None:
    rows = [
        (
            q.kind.value,
            person(q.tenant, q.name) if q.kind is QuotaKind.USER else q.name,
            f"{amount(q.most, q.unit)} a {q.period}",
            amount(q.used, q.unit),
            _share(q),
            q.set_by,
        )
        for q in found
    ]
    print_table(("Of", "Name", "Quota", "Used", "%", "Set by"), rows, "There are no quotas. `hive usage set-quota` sets one.")


def _share(quota: Quota) -> str:
    return f"{100 * quota.used / quota.most:.0f}" if quota.most else ""


@app.command("set-quota")
@command
async def set_quota(
    kind: _Kind,
    name: _Name,
    most: Annotated[float, typer.Argument(help="How much; 0: nothing.")],
    unit: _Unit = QuotaUnit.TOKENS,
    period: _Period = QuotaPeriod.DAY,
    tenant: _Tenant = HOME,
    as_json: Json = False,
) -> None:
    """Set how much a user, a key or a workflow may use."""
    try:
        wanted = PutQuota(tenant=tenant, kind=kind, name=name, unit=unit, period=period, most=most)
    except ValidationError as error:
        raise explain(error) from None
    quota: Quota = await _ask("put_quota", wanted, Quota)
    if as_json:
        print_json(quota)
    else:
        since = f"{quota.since:%Y-%m-%d}"
        say(f"{kind.value} {name} may use {amount(most, unit)} a {period}; {amount(quota.used, unit)} are used since {since}.")


@app.command("remove-quota")
@command
async def remove_quota(
    kind: _Kind,
    name: _Name,
    unit: _Unit = QuotaUnit.TOKENS,
    period: _Period = QuotaPeriod.DAY,
    tenant: _Tenant = HOME,
    as_json: Json = False,
) -> None:
    """Remove a quota."""
    try:
        wanted = QuotaRef(tenant=tenant, kind=kind, name=name, unit=unit, period=period)
    except ValidationError as error:
        raise explain(error) from None
    left: QuotaList = await _ask("remove_quota", wanted, QuotaList)
    if as_json:
        print_json(left)
    else:
        say(f"Removed the quota of {kind.value} {name} in {words(unit)} a {period}.")


@app.command("slow-hosts")
@command
async def slow_hosts(as_json: Json = False) -> None:
    """Show agents that write slower than they did."""
    found: SlowHosts = await _ask("slow_hosts", NoReply(), SlowHosts)
    if as_json:
        print_json(found)
        return
    for host in found.hosts:
        say(host.text)
    if not found.hosts:
        say(f"No agent has become slower, as of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.")
