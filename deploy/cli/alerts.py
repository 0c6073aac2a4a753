"""`hive alerts`: what fires, who looks after it, silences, and rules."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import yaml
from pydantic import BaseModel, ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages import NoReply
from bus.messages.alerts import (
    MOST_ALERTS,
    Alert,
    AlertChanges,
    AlertList,
    AlertRef,
    AlertScope,
    AlertState,
    CreateSilence,
    DryRun,
    DryRunResult,
    ListAlerts,
    PutRules,
    RuleSet,
    Severity,
    Silence,
    SilenceList,
    SilenceRef,
)
from deploy.cli import alert_targets
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, print_json, print_table, say

DRY_RUN_SECONDS = 60.0

app = typer.Typer(help="Alerts: list, acknowledge, silence, rules.", invoke_without_command=True)
app.add_typer(alert_targets.app, name="targets")


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_alerts(as_json=as_json)


async def _ask(verb: str, body: BaseModel, answer: type[Any], seconds: float = REQUEST_SECONDS) -> Any:
    async with operator_bus() as bus:
        return await bus.request(subjects.service_verb(subjects.SERVICE_ALERTS, verb), body, answer, timeout=seconds)


@app.command("list")
@command
async def list_alerts(
    state: Annotated[AlertState | None, typer.Option(help="Left out: all that are not resolved.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only of that.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_ALERTS, help="How many.")] = 100,
    as_json: Json = False,
) -> None:
    """Show alerts, latest change first."""
    found: AlertList = await _ask("list", ListAlerts(state=state, severity=severity, limit=limit), AlertList)
    if as_json:
        print_json(found)
        return
    columns = ("Alert", "Severity", "Rule", "Of", "State", "Since", "By", "Why")
    print_table(columns, [_row(alert) for alert in found.alerts], "There are no alerts.")


def _row(alert: Alert) -> tuple[object, ...]:
    why = alert.reason or alert.summary or alert.condition
    since, by = local_time(alert.fired_at), alert.acknowledged_by or ""
    return alert.id, alert.severity.value, alert.rule, alert.entity, alert.state.value, since, by, why


@app.command()
@command
async def acknowledge(
    alert_id: Annotated[UUID, typer.Argument(help="As `hive alerts` shows it.", metavar="ALERT")], as_json: Json = False
) -> None:
    """Say that somebody looks after an alert."""
    alert: Alert = await _ask("acknowledge", AlertRef(id=alert_id), Alert)
    if as_json:
        print_json(alert)
    else:
        say(f"Acknowledged {alert.rule} of {alert.entity}.")


@app.command()
@command
async def changes(
    alert_id: Annotated[UUID, typer.Argument(help="As `hive alerts` shows it.", metavar="ALERT")], as_json: Json = False
) -> None:
    """Show what became of an alert, oldest first."""
    found: AlertChanges = await _ask("changes", AlertRef(id=alert_id), AlertChanges)
    if as_json:
        print_json(found)
        return
    rows = [
        (local_time(each.changed_at), each.state.value, each.acknowledged_by or "", each.reason or "") for each in found.changes
    ]
    print_table(("At", "State", "By", "Why"), rows, "There are no changes.")


@app.command()
@command
async def silence(
    reason: Annotated[str, typer.Argument(help="Shown with what is silenced.", metavar="REASON")],
    minutes: Annotated[float | None, typer.Option(help="For how long; left out: until --until, or an hour.")] = None,
    starts: Annotated[
        datetime | None, typer.Option("--from", help="When it begins, by this machine's clock; left out: now.")
    ] = None,
    ends: Annotated[datetime | None, typer.Option("--until", help="When it ends.")] = None,
    rule: Annotated[str | None, typer.Option(help="Alerts of that rule; * stands for any characters.")] = None,
    entity: Annotated[
        str | None, typer.Option("--of", help="Alerts of that agent, model, workflow or class; * stands for any characters.")
    ] = None,
    severity: Annotated[Severity | None, typer.Option(help="Alerts of that severity.")] = None,
    scope: Annotated[AlertScope | None, typer.Option(help="Alerts of all agents, models, workflows or classes.")] = None,
    as_json: Json = False,
) -> None:
    """Silence alerts for a while, now or at a planned time. All that is named must fit."""
    named = {"rule": rule, "entity": entity, "severity": severity, "scope": scope}
    times = {
        "starts_at": _aware(starts),
        "ends_at": _aware(ends),
        "minutes": 60 if minutes is None and ends is None else minutes,
    }
    try:
        wanted = CreateSilence.model_validate({**named, **times, "reason": reason})
    except ValidationError as error:
        raise explain(error) from None
    made: Silence = await _ask("silence", wanted, Silence)
    if as_json:
        print_json(made)
    else:
        say(f"{made.id}: silent from {local_time(made.starts_at)} until {local_time(made.ends_at)}.")


def _aware(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone()


@app.command()
@command
async def silences(as_json: Json = False) -> None:
    """Show the silences that hold or are planned."""
    found: SilenceList = await _ask("silences", NoReply(), SilenceList)
    if as_json:
        print_json(found)
        return
    rows = [
        (each.id, each.rule or "", each.entity or each.scope or "", each.severity or "", local_time(each.starts_at), local_time(each.ends_at),
         each.by, each.reason)
        for each in found.silences
    ]  # fmt: skip
    print_table(("Silence", "Rule", "Of", "Severity", "From", "Until", "By", "Reason"), rows, "Nothing is silenced.")


@app.command()
@command
async def unsilence(
    silence_id: Annotated[UUID, typer.Argument(help="As `hive alerts silences` shows it.", metavar="SILENCE")],
    as_json: Json = False,
) -> None:
    """End a silence."""
    ended: Silence = await _ask("end_silence", SilenceRef(id=silence_id), Silence)
    if as_json:
        print_json(ended)
    else:
        say(f"Ended {ended.id}: {ended.reason}.")


@app.command()
@command
async def rules(
    put: Annotated[Path | None, typer.Option(help="YAML file with rules that replace all.", metavar="FILE")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Go back to those of HIVE_ALERT_RULES, or to Hive's own.")] = False,
    as_json: Json = False,
) -> None:
    """Show the rules that hold, or replace them."""
    if put is not None and reset:
        raise InvalidRequest("--put replaces the rules, --reset forgets what was put. Give one of them.")
    verb, body = ("put_rules", written(put)) if put is not None else ("reset_rules" if reset else "rules", NoReply())
    found: RuleSet = await _ask(verb, body, RuleSet)
    if as_json:
        print_json(found)
        return
    rows = [
        (name, rule.scope.value, rule.condition, rule.severity.value, f"{rule.for_seconds:g}", f"{rule.cooldown:g}")
        for name, rule in found.alerts.items()
    ]
    print_table(("Rule", "Of each", "Condition", "Severity", "For s", "Cooldown s"), rows, "There are no rules.")


@app.command("dry-run")
@command
async def dry_run(
    name: Annotated[str, typer.Argument(help="The rule, of the file or of those that hold.", metavar="RULE")],
    file: Annotated[Path | None, typer.Option("--file", "-f", help="YAML file with the rule; left out: as it holds.")] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=168, help="How far back.")] = 24,
    as_json: Json = False,
) -> None:
    """Show when a rule would have fired over what is stored."""
    known = written(file).alerts if file else (await _ask("rules", NoReply(), RuleSet)).alerts
    if name not in known:
        raise InvalidRequest(f"There is no rule {name}: {', '.join(sorted(known))}.")
    asked = DryRun(rule=known[name], since=datetime.now(UTC) - timedelta(hours=hours))
    found: DryRunResult = await _ask("dry_run", asked, DryRunResult, DRY_RUN_SECONDS)
    if as_json:
        print_json(found)
        return
    rows = [
        (each.entity, local_time(each.fired_at), local_time(each.resolved_at) if each.resolved_at else "", _read(each.values))
        for each in found.firings
    ]
    things = "classes" if known[name].scope is AlertScope.QUEUE else f"{known[name].scope}s"
    nothing = f"{name} would not have fired for any of {found.entities} {things} since {local_time(found.since)}."
    print_table(("Of", "Would have fired", "Until", "Read"), rows, nothing)
    if found.unknown:
        say(f"Nothing is stored of {', '.join(found.unknown)}: what hangs on it is unknown.", "yellow")


def _read(values: Mapping[str, float | bool]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items())


def written(path: Path) -> PutRules:
    """InvalidRequest, in words."""
    try:
        return PutRules.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{path} is no YAML: {error}") from None
    except ValidationError as error:
        raise explain(error) from None
