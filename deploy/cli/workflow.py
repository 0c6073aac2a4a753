"""`hive workflow`: workflows as n8n writes them: what of one runs here, and running it."""

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer

from bus import subjects
from bus.errors import InvalidRequest, InvalidWorkflow
from bus.messages.workflows import (
    ActivateWorkflow,
    CreateWorkflow,
    ExecuteWorkflow,
    ExecutionRecord,
    ExecutionStatus,
    ListWorkflows,
    WorkflowList,
    WorkflowRecord,
    WorkflowRef,
)
from deploy.cli.command import Json, command, settings
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.execution import show_execution
from deploy.cli.screen import local_time, print_json, print_table, say

app = typer.Typer(help="Workflows as n8n writes them.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(help="A workflow as n8n's canvas copies or downloads it.", metavar="FILE")]
WorkflowArgument = Annotated[UUID, typer.Argument(help="The workflow's id.", metavar="ID")]
Wait = Annotated[float, typer.Option("--wait", "-w", min=0, max=300, help="Seconds to wait for its end.")]


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_WORKFLOWS, verb)


def _read(file: Path) -> Any:
    """InvalidRequest for what cannot be read."""
    try:
        found = json.loads(file.read_text())
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise InvalidRequest(f"{file} is not JSON: {error}.") from None
    return found


@app.command()
@command
def check(file: FileArgument) -> None:
    """Say what of a workflow runs here, what does not, and what to do. Needs no hive. Fails where it cannot start."""
    from workflow.n8n.check import check as report_of
    from workflow.n8n.parse import parse
    from workflow.nodes.catalogue import registry
    from workflow.packages.installed import FOLDER, Installed

    packaged = Installed(settings().data_dir / FOLDER)
    report = report_of(parse(_read(file)), registry(packaged))
    for kind, names in report.runs.items():
        say(f"runs     {kind}: {', '.join(names)}")
    for kind, names in report.unknown.items():
        say(f"unknown  {kind}: {', '.join(names)}", "yellow")
    for problem in report.problems:
        say(f"{problem.severity.value} [{problem.code}]: {problem.message}", "red" if problem.severity == "error" else "yellow")
    if report.complete:
        say("All of it runs as in n8n.", "green")
    if not report.startable:
        raise typer.Exit(1)


@app.command("import")
@command
async def import_file(file: FileArgument, as_json: Json = False) -> None:
    """Store a workflow; it is inactive until `hive workflow activate`."""
    record = await _create(_read(file))
    if as_json:
        print_json(record)
        return
    for problem in record.problems:
        say(f"{problem.severity} [{problem.code}]: {problem.message}", "yellow")
    say(f"Workflow {record.id} ({record.name}) is stored.")


async def _create(document: Any) -> WorkflowRecord:
    if not isinstance(document, dict):
        raise InvalidWorkflow(
            "A workflow is a JSON object with a list of `nodes`. Copy it from n8n's canvas, or download it there."
        )
    async with operator_bus() as bus:
        return await bus.request(_verb("create"), CreateWorkflow(n8n_data=document), WorkflowRecord, timeout=REQUEST_SECONDS)


@app.command("list")
@command
async def list_workflows(as_json: Json = False) -> None:
    """List workflows, newest first."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), ListWorkflows(limit=250), WorkflowList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            str(each.id),
            each.name,
            "active" if each.active else "",
            str(each.version),
            each.created_by,
            local_time(each.updated_at),
        ]
        for each in found.workflows
    ]
    print_table(
        ["ID", "NAME", "ACTIVE", "VERSION", "BY", "SAVED"],
        rows,
        "No workflow is stored. `hive workflow import FILE` stores one.",
    )


@app.command()
@command
async def run(
    workflow: Annotated[str, typer.Argument(help="A workflow's id, or a file, which is stored first.", metavar="FILE_OR_ID")],
    data: Annotated[str | None, typer.Option("--data", "-d", help="JSON object that the trigger gives.")] = None,
    wait: Wait = 60,
    as_json: Json = False,
) -> None:
    """Run a workflow by hand, and show how it ended. Fails where it failed."""
    items = () if data is None else ({"json": _object(data)},)
    try:
        workflow_id = UUID(workflow)
    except ValueError:
        workflow_id = (await _create(_read(Path(workflow)))).id
    wish = ExecuteWorkflow(id=workflow_id, execution_id=uuid4(), items=items, wait_seconds=wait)
    async with operator_bus() as bus:
        record = await bus.request(_verb("execute"), wish, ExecutionRecord, timeout=wait + REQUEST_SECONDS)
    show_execution(record, as_json)
    if record.status in (ExecutionStatus.ERROR, ExecutionStatus.CANCELED):
        raise typer.Exit(1)


def _object(data: str) -> dict[str, Any]:
    """InvalidRequest for what is no JSON object."""
    try:
        found = json.loads(data)
    except ValueError as error:
        raise InvalidRequest(f"--data is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise InvalidRequest('--data is no JSON object. Write it as {"name": "value"}.')
    return found


@app.command()
@command
async def activate(
    workflow_id: WorkflowArgument, off: Annotated[bool, typer.Option("--off", help="End them.")] = False
) -> None:
    """Let a workflow's webhooks and schedules begin."""
    async with operator_bus() as bus:
        wish = ActivateWorkflow(id=workflow_id, active=not off)
        record = await bus.request(_verb("activate"), wish, WorkflowRecord, timeout=REQUEST_SECONDS)
    say(f"Workflow {record.id} ({record.name}) is {'active' if record.active else 'inactive'}.")


@app.command()
@command
async def export(workflow_id: WorkflowArgument) -> None:
    """Print a workflow's JSON, just as it was given."""
    async with operator_bus() as bus:
        record = await bus.request(_verb("get"), WorkflowRef(id=workflow_id), WorkflowRecord, timeout=REQUEST_SECONDS)
    typer.echo(json.dumps(record.n8n_data, indent=2, ensure_ascii=False))
