"""`hive task`: submit work and see it through. The CLI is one more door, with the bus's own credentials."""

import sys
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.text import Text

from bus import auth, subjects
from bus.client import Bus
from bus.codec import explain
from bus.follow import follow
from bus.messages import ListTasks, NoReply, TaskList, TaskRecord, TaskRef, TaskStatus
from deploy.cli import placement
from deploy.cli.asking import Capabilities, Labels, Model, Options, Priority, Session, Vram, checked_request, task_fields
from deploy.cli.command import Json, TaskArgument, command, fail
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.places import in_words, place_of, with_places
from deploy.cli.screen import local_time, note, print_facts, print_json, print_table, say, state
from deploy.cli.stream import notes_are_read, print_stream

app = typer.Typer(help="Tasks: submit, watch, list, cancel, explain …", no_args_is_help=True)
app.command()(placement.explain)
app.command()(placement.assign)
app.command()(placement.priority)


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_TASKS, verb)


@app.command()
@command
async def submit(
    prompt: Annotated[str, typer.Argument(help="The prompt, or - to read it from standard input.")] = "-",
    model: Model = None,
    label: Labels = None,
    capability: Capabilities = None,
    vram: Vram = None,
    priority: Priority = "medium",
    session: Session = None,
    title: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    depends_on: Annotated[list[UUID] | None, typer.Option(help="A task that must complete first; repeat for more.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds from first dispatch to end.")] = 600,
    max_attempts: Annotated[int, typer.Option(help="How often it is tried.")] = 3,
    not_before: Annotated[
        str | None, typer.Option(help="Waits at least until then: a time with its zone, such as 2027-01-31T18:00:00Z.")
    ] = None,
    deadline: Annotated[str | None, typer.Option(help="Fails when it has not ended by then: a time with its zone.")] = None,
    preemptible: Annotated[
        bool, typer.Option("--preemptible", help="Yields its slot to more urgent tasks, and goes on later.")
    ] = False,
    option: Options = None,
    wait: Annotated[bool, typer.Option(help="Print the answer as it comes; else only the id.")] = True,
    as_json: Json = False,
) -> None:
    """Submit a prompt, and print the answer as the model writes it."""
    request = checked_request(
        prompt=_standard_input() if prompt == "-" else prompt,
        **task_fields(model, label, capability, vram, priority, option),
        session=session,
        title=title,
        depends_on=[str(task_id) for task_id in depends_on or ()],
        timeout_seconds=timeout,
        max_attempts=max_attempts,
        not_before=not_before,
        deadline=deadline,
        preemptible=preemptible,
    )
    async with operator_bus() as bus:
        record = await bus.request(_verb("submit"), request, TaskRecord, timeout=REQUEST_SECONDS)
        if wait:
            await _see_through(bus, record.id, as_json)
        elif as_json:
            print_json(record)
        else:
            say(str(record.id))


def _standard_input() -> str:
    """The prompt as it was piped or typed, without the line's end."""
    if sys.stdin.isatty():
        note("Type the prompt, then Ctrl-D.")
    return sys.stdin.read().rstrip("\n")


async def _see_through(bus: Bus, task_id: UUID, as_json: bool) -> None:
    """Until the task's end. What did not complete ends the command with its error."""
    items = follow(bus, task_id, auth.BUS_OPERATOR)
    record = await print_stream(items if as_json or not notes_are_read() else with_places(bus, task_id, items), quiet=as_json)
    if as_json:
        print_json(record)
    if record.status is TaskStatus.COMPLETED:
        return
    if as_json:
        raise typer.Exit(1)
    error = record.error
    fail(error.code if error else "cancelled", error.message if error else f"The task {record.id} was cancelled.")


@app.command()
@command
async def watch(task_id: TaskArgument, as_json: Json = False) -> None:
    """Print a task's answer from its beginning, and go on until its end."""
    async with operator_bus() as bus:
        await bus.request(_verb("get"), TaskRef(id=task_id), TaskRecord, timeout=REQUEST_SECONDS)
        await _see_through(bus, task_id, as_json)


@app.command()
@command
async def get(task_id: TaskArgument, as_json: Json = False) -> None:
    """Show one task."""
    _show(await _ask("get", task_id), as_json)


@app.command()
@command
async def cancel(task_id: TaskArgument, as_json: Json = False) -> None:
    """Cancel a task that has not ended."""
    _show(await _ask("cancel", task_id), as_json)


@app.command()
@command
async def requeue(task_id: TaskArgument, as_json: Json = False) -> None:
    """Give a task that failed another round of attempts."""
    _show(await _ask("requeue", task_id), as_json)


@app.command()
@command
async def erase(task_id: TaskArgument, as_json: Json = False) -> None:
    """Forget a task that has ended: its prompt, its output, its record."""
    ref = TaskRef(id=task_id)
    async with operator_bus() as bus:
        await bus.request(_verb("erase"), ref, NoReply, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(ref)
    else:
        say(f"Task {task_id} is erased.")


@app.command("list")
@command
async def list_tasks(
    status: Annotated[list[TaskStatus] | None, typer.Option(help="Only these; repeat for more.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m")] = None,
    agent: Annotated[str | None, typer.Option(help="Only what this agent was given.")] = None,
    owner: Annotated[str | None, typer.Option()] = None,
    dead_letters: Annotated[bool, typer.Option("--dead-letters", help="Only what failed and can be requeued.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Annotated[str | None, typer.Option(help="The next page, as the page before names it.")] = None,
    as_json: Json = False,
) -> None:
    """Show tasks, newest first."""
    try:
        wish = ListTasks(
            status=tuple(status or ()),
            model=model,
            agent_id=agent,
            owner=owner,
            dead_letters=dead_letters,
            limit=limit,
            cursor=cursor,
        )
    except ValidationError as error:
        raise explain(error) from None
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), wish, TaskList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    columns = ("Task", "State", "Model", "Agent", "Pos", "Prio", "Created", "Title")
    rows = [
        (task.id, _state(task), task.model, task.assigned_agent_id, task.position, task.priority, local_time(task.created_at), task.title)
        for task in found.tasks
    ]  # fmt: skip
    print_table(columns, rows, "No tasks.")
    if found.next_cursor:
        say(f"More: --cursor {found.next_cursor}", "dim")


def _state(task: TaskRecord) -> Text:
    shown = state(task.status)
    return shown.append(f" ({task.error.code})") if task.error else shown


async def _ask(verb: str, task_id: UUID) -> TaskRecord:
    async with operator_bus() as bus:
        return await bus.request(_verb(verb), TaskRef(id=task_id), TaskRecord, timeout=REQUEST_SECONDS)


def _show(record: TaskRecord, as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    facts = [
        ("Task", str(record.id)),
        ("State", record.status),
        ("Place", in_words(place) if (place := place_of(record)) else ""),
        ("Priority", str(record.priority)),
        ("Model", record.model or "any"),
        ("Agent", record.assigned_agent_id or "none yet"),
        ("Created", local_time(record.created_at)),
        ("Started", local_time(record.started_at)),
        ("Ended", local_time(record.completed_at)),
        ("Attempts", ", ".join(f"{attempt.number} on {attempt.agent_id}: {attempt.status}" for attempt in record.attempts)),
    ]
    print_facts([(name, value) for name, value in facts if value])
    if record.error:
        say(f"error [{record.error.code}]: {record.error.message}", "red")
    if record.output and record.output.text:
        say(f"\n{record.output.text}")
