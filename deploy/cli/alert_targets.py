"""`hive alerts targets`: where alerts are sent. An address is read from a file or standard input, since it holds secrets."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages import NoReply
from bus.messages.alerts import AlertState, Severity
from bus.messages.notifications import NotificationTarget, PutTarget, SentTest, TargetList, TargetRef
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, print_json, print_table, say

app = typer.Typer(help="Where alerts are sent: list, put, remove, test.", invoke_without_command=True)

LONG_SECONDS = 40.0
"""apprise takes seconds to load, and a mail server to answer."""
Named = Annotated[str, typer.Argument(help="As `hive alerts targets` shows it.", metavar="TARGET")]


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_ALERTS, verb)


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_targets(as_json=as_json)


@app.command("list")
@command
async def list_targets(as_json: Json = False) -> None:
    """Show where alerts are sent, without the addresses."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("targets"), NoReply(), TargetList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    columns = ("Target", "Kind", "Severities", "Rules", "Waiting", "Last sent", "From", "Trouble")
    print_table(
        columns, [_row(each) for each in found.targets], "Alerts are sent nowhere. `hive alerts targets put NAME` adds a place."
    )


def _row(each: NotificationTarget) -> tuple[object, ...]:
    severities, rules = ", ".join(each.severities) or "all", ", ".join(each.rules) or "all"
    sent, trouble = local_time(each.sent_at) if each.sent_at else "", each.failure or ("" if each.enabled else "disabled")
    return each.name, each.kind, severities, rules, each.waiting, sent, each.source.value, trouble


@app.command()
@command
async def put(
    name: Annotated[str, typer.Argument(help="By which it is known.")],
    url_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the address, as apprise or `alertmanager://` has it; - reads standard input; left out: as it was.",
            metavar="FILE",
        ),
    ] = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="Only of that; may be given again.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only of that rule; may be given again.")] = None,
    also: Annotated[
        list[AlertState] | None, typer.Option(help="Changes beside a firing; left out: resolved; may be given again.")
    ] = None,
    group_seconds: Annotated[float, typer.Option(help="How long alerts of one rule are gathered.")] = 5,
    enabled: Annotated[bool, typer.Option(help="Whether anything is sent.")] = True,
    as_json: Json = False,
) -> None:
    """Have alerts sent somewhere, or change what is sent there."""
    given = {"severities": severity or [], "rules": rule or [], "group_seconds": group_seconds, "enabled": enabled}
    if also is not None:
        given["also"] = also
    try:
        wanted = PutTarget.model_validate({"name": name, "url": _read(url_file), **given})
    except ValidationError as error:
        raise explain(error) from None
    async with operator_bus() as bus:
        made = await bus.request(_verb("put_target"), wanted, NotificationTarget, timeout=LONG_SECONDS)
    if as_json:
        print_json(made)
    else:
        say(f"Alerts are sent to {made.name} ({made.kind}). `hive alerts targets test {made.name}` tries it.")


@app.command()
@command
async def remove(name: Named, as_json: Json = False) -> None:
    """Send nothing there any more."""
    async with operator_bus() as bus:
        gone = await bus.request(_verb("remove_target"), TargetRef(name=name), NotificationTarget, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(gone)
    else:
        say(f"Nothing is sent to {gone.name} any more.")


@app.command("test")
@command
async def send_test(name: Named, as_json: Json = False) -> None:
    """Send a message that says it is a test."""
    async with operator_bus() as bus:
        sent = await bus.request(_verb("test_target"), TargetRef(name=name), SentTest, timeout=LONG_SECONDS)
    if as_json:
        print_json(sent)
    else:
        say(f"{sent.name} took a test within {sent.seconds:.1f} s.")


def _read(file: Path | None) -> str | None:
    """InvalidRequest, in words."""
    if file is None:
        return None
    try:
        return (sys.stdin.read() if str(file) == "-" else file.read_text()).strip()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from None
