"""`hive maintenance`: windows in which agents rest."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages.maintenance import (
    MOST_WINDOWS,
    ListMaintenance,
    MaintenanceList,
    MaintenanceRef,
    MaintenanceWindow,
    PlanMaintenance,
)
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.labels import label_changes
from deploy.cli.screen import local_time, print_json, print_table, say

app = typer.Typer(help="Windows in which agents rest: list, plan, cancel.", invoke_without_command=True)
_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_windows(as_json=as_json)


@app.command("list")
@command
async def list_windows(
    limit: Annotated[int, typer.Option(min=1, max=MOST_WINDOWS, help="How many.")] = 50, as_json: Json = False
) -> None:
    """Show the windows, latest beginning first."""
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_MAINTENANCE, "list")
        found = await bus.request(verb, ListMaintenance(limit=limit), MaintenanceList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    columns = ("Window", "State", "For", "From", "Until", "By", "Reason")
    print_table(columns, [_row(window) for window in found.windows], "No maintenance is planned.")


def _row(window: MaintenanceWindow) -> tuple[object, ...]:
    times = local_time(window.starts_at), local_time(window.ends_at)
    return window.id, window.phase.value.replace("_", " "), _whom(window), *times, window.by, window.reason


def _whom(window: MaintenanceWindow) -> str:
    labels = (f"{name}={value}" for name, value in window.labels.items())
    return "everything" if window.everything else ", ".join((*window.agents, *labels))


@app.command()
@command
async def plan(
    reason: Annotated[str, typer.Argument(help="Shown to whoever asks why the agents take nothing.", metavar="REASON")],
    agents: Annotated[list[str] | None, typer.Option("--agent", help="As `hive agents` shows it; may be repeated.")] = None,
    labels: Annotated[list[str] | None, typer.Option("--label", help="Agents with site=basement; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="The whole hive.")] = False,
    begin: Annotated[datetime | None, typer.Option("--from", formats=_FORMATS, help="Local time; left out: now.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="Local time.")] = None,
    minutes: Annotated[float | None, typer.Option(help="How long, instead of until when.")] = None,
    as_json: Json = False,
) -> None:
    """Have agents rest for a while.

    They drain when the window begins, and work again when it ends.
    """
    wish = wished(reason, agents or [], labels or [], everything=everything, begin=begin, until=until, minutes=minutes)
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_MAINTENANCE, "plan")
        window = await bus.request(verb, wish, MaintenanceWindow, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(window)
    else:
        say(f"{window.id}: {_whom(window)} rests from {local_time(window.starts_at)} until {local_time(window.ends_at)}.")


@app.command()
@command
async def cancel(
    window_id: Annotated[UUID, typer.Argument(help="As `hive maintenance` shows it.", metavar="WINDOW")], as_json: Json = False
) -> None:
    """End a window now, or have it not begin."""
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_MAINTENANCE, "cancel")
        window = await bus.request(verb, MaintenanceRef(id=window_id), MaintenanceWindow, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(window)
    else:
        say(f"Cancelled {window.id}: {window.reason}.")


def wished(
    reason: str,
    agents: list[str],
    labels: list[str],
    *,
    everything: bool,
    begin: datetime | None,
    until: datetime | None,
    minutes: float | None,
) -> PlanMaintenance:
    """InvalidRequest, in words, for what is no window. Times without a zone are local."""
    if (until is None) == (minutes is None):
        raise InvalidRequest("Say until when with --until, or how long with --minutes: one of the two.")
    if bool(agents) + bool(labels) + everything != 1:
        raise InvalidRequest("Say who rests with --agent, with --label, or with --everything: one of the three.")
    starts_at = None if begin is None else begin.astimezone(UTC)
    ends_at = until.astimezone(UTC) if until else (starts_at or datetime.now(UTC)) + timedelta(minutes=minutes or 0)
    asked = {"agents": agents, "labels": label_changes(labels), "everything": everything, "reason": reason}
    try:
        return PlanMaintenance.model_validate({**asked, "starts_at": starts_at, "ends_at": ends_at})
    except ValidationError as error:
        raise explain(error) from None
