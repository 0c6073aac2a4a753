"""`hive schedule`: tasks that are submitted at each due time of a cron expression."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.messages import (
    CatchUp,
    ChangeSchedule,
    CreateSchedule,
    ListSchedules,
    NextTimes,
    NoReply,
    Overlap,
    RunSchedule,
    ScheduleList,
    ScheduleRecord,
    ScheduleRef,
    TaskRecord,
    Timing,
)
from deploy.cli.asking import Capabilities, Labels, Model, Options, Priority, Vram, checked_request, task_fields
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, print_facts, print_json, print_table, say, state

app = typer.Typer(help="Schedules: tasks at each due time of a cron expression.", invoke_without_command=True)


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_schedules(as_json=as_json)


Zone = Annotated[str, typer.Option("--zone", "-z", help="A name of the IANA database, such as Europe/Berlin.")]
ScheduleArgument = Annotated[UUID, typer.Argument(help="The schedule's id.", metavar="ID")]


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_SCHEDULES, verb)


@app.command()
@command
async def add(
    name: Annotated[str, typer.Argument(help="A name for people; one of your schedules bears it.")],
    cron: Annotated[str, typer.Argument(help="Minute, hour, day of month, month, day of week; or @hourly, @daily …")],
    prompt: Annotated[str, typer.Argument(help="The prompt of each of its tasks.")],
    zone: Zone = "UTC",
    model: Model = None,
    label: Labels = None,
    capability: Capabilities = None,
    vram: Vram = None,
    priority: Priority = "medium",
    option: Options = None,
    catch_up: Annotated[CatchUp, typer.Option(help="Which of the times that passed while nobody led are made up for.")] = (
        CatchUp.LAST
    ),
    overlap: Annotated[Overlap, typer.Option(help="While the last task has not ended.")] = Overlap.ALLOW,
    starts_at: Annotated[
        datetime | None, typer.Option(help="The first time that may come due; in this machine's zone.")
    ] = None,
    ends_at: Annotated[datetime | None, typer.Option(help="The last time that may come due; in this machine's zone.")] = None,
    as_json: Json = False,
) -> None:
    """Make a schedule."""
    task = checked_request(prompt=prompt, **task_fields(model, label, capability, vram, priority, option))
    made = checked(
        CreateSchedule,
        name=name,
        cron=cron,
        time_zone=zone,
        task=task,
        catch_up=catch_up,
        overlap=overlap,
        starts_at=starts_at and starts_at.astimezone(),
        ends_at=ends_at and ends_at.astimezone(),
    )
    async with operator_bus() as bus:
        _show(await bus.request(_verb("create"), made, ScheduleRecord, timeout=REQUEST_SECONDS), as_json)


@app.command("list")
@command
async def list_schedules(
    owner: Annotated[str | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Annotated[str | None, typer.Option(help="The next page, as the page before names it.")] = None,
    as_json: Json = False,
) -> None:
    """Show schedules, newest first."""
    wish = checked(ListSchedules, owner=owner, limit=limit, cursor=cursor)
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), wish, ScheduleList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    columns = ("Schedule", "Name", "Cron", "Zone", "Next", "Last", "Owner", "Problem")
    rows = [
        (each.id, each.name, each.cron, each.time_zone, _next(each), local_time(each.last_due), each.owner,
         state("failed").append(f" ({each.last_problem.code})") if each.last_problem else "")
        for each in found.schedules
    ]  # fmt: skip
    print_table(columns, rows, "No schedules.")
    if found.next_cursor:
        say(f"More: --cursor {found.next_cursor}", "dim")


@app.command()
@command
async def show(schedule_id: ScheduleArgument, as_json: Json = False) -> None:
    """Show one schedule."""
    _show(await _ask("get", ScheduleRef(id=schedule_id)), as_json)


@app.command()
@command
async def pause(schedule_id: ScheduleArgument, as_json: Json = False) -> None:
    """Let nothing come of a schedule until it is resumed."""
    _show(await _ask("update", ChangeSchedule(id=schedule_id, enabled=False)), as_json)


@app.command()
@command
async def resume(schedule_id: ScheduleArgument, as_json: Json = False) -> None:
    """Let a schedule go on; times that passed meanwhile are not caught up."""
    _show(await _ask("update", ChangeSchedule(id=schedule_id, enabled=True)), as_json)


@app.command()
@command
async def run(schedule_id: ScheduleArgument, as_json: Json = False) -> None:
    """Submit a schedule's task now, and print its id."""
    order = RunSchedule(id=schedule_id, task_id=uuid4())
    async with operator_bus() as bus:
        task = await bus.request(_verb("run"), order, TaskRecord, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(task)
    else:
        say(str(task.id))


@app.command()
@command
async def remove(schedule_id: ScheduleArgument, as_json: Json = False) -> None:
    """Remove a schedule; the tasks that it brought stay."""
    ref = ScheduleRef(id=schedule_id)
    async with operator_bus() as bus:
        await bus.request(_verb("delete"), ref, NoReply, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(ref)
    else:
        say(f"Schedule {schedule_id} is removed.")


@app.command("next")
@command
async def next_times(
    cron: Annotated[str, typer.Argument(help="A cron expression.")], zone: Zone = "UTC", as_json: Json = False
) -> None:
    """Show the next five times of an expression; nothing is made."""
    wish = checked(Timing, cron=cron, time_zone=zone)
    async with operator_bus() as bus:
        found = await bus.request(_verb("preview"), wish, NextTimes, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    for at in found.times:
        say(f"{at:%a %Y-%m-%d %H:%M %z}")


def checked(model: Any, **fields: object) -> Any:
    """InvalidRequest in words for what the doors would refuse."""
    try:
        return model(**{name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        raise explain(error) from None


async def _ask(verb: str, body: ScheduleRef | ChangeSchedule) -> ScheduleRecord:
    async with operator_bus() as bus:
        return await bus.request(_verb(verb), body, ScheduleRecord, timeout=REQUEST_SECONDS)


def _next(record: ScheduleRecord) -> str:
    return local_time(record.next_due) if record.next_due else "over" if record.enabled else "paused"


def _show(record: ScheduleRecord, as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    facts = [
        ("Schedule", str(record.id)),
        ("Name", record.name),
        ("Cron", f"{record.cron}  ({record.time_zone})"),
        ("Next", _next(record)),
        ("Last", local_time(record.last_due)),
        ("Last task", str(record.last_task_id or "")),
        ("Catches up", record.catch_up),
        ("Overlap", record.overlap),
        ("Owner", record.owner),
        ("Prompt", (record.task.prompt or "") if record.task else ""),
    ]
    print_facts([(name, value) for name, value in facts if value])
    if record.last_problem:
        say(f"error [{record.last_problem.code}]: {record.last_problem.message}", "red")
