"""`hive execution`: what ran of workflows."""

from typing import Annotated, Any
from uuid import UUID

import typer

from bus import subjects
from bus.messages.workflows import ExecutionList, ExecutionRecord, ExecutionRef, ListExecutions
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, print_facts, print_json, print_table, say

app = typer.Typer(help="Executions of workflows.", no_args_is_help=True)

ExecutionArgument = Annotated[UUID, typer.Argument(help="The execution's id.", metavar="ID")]


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_EXECUTIONS, verb)


@app.command("list")
@command
async def list_executions(
    workflow: Annotated[UUID | None, typer.Option("--workflow", help="Only of this workflow.")] = None, as_json: Json = False
) -> None:
    """List executions, newest first."""
    wish = ListExecutions(workflow_id=workflow)
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), wish, ExecutionList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            str(each.id),
            each.workflow_name or "",
            each.status.value,
            each.mode,
            local_time(each.created_at),
            each.error_message or "",
        ]
        for each in found.executions
    ]
    print_table(["ID", "WORKFLOW", "STATUS", "MODE", "BEGAN", "ERROR"], rows, "Nothing has run yet.")


@app.command()
@command
async def show(execution_id: ExecutionArgument, as_json: Json = False) -> None:
    """Show an execution, node by node."""
    async with operator_bus() as bus:
        record = await bus.request(_verb("get"), ExecutionRef(id=execution_id), ExecutionRecord, timeout=REQUEST_SECONDS)
    show_execution(record, as_json)


@app.command()
@command
async def stop(execution_id: ExecutionArgument) -> None:
    """End an execution between two nodes."""
    async with operator_bus() as bus:
        record = await bus.request(_verb("stop"), ExecutionRef(id=execution_id), ExecutionRecord, timeout=REQUEST_SECONDS)
    say(f"Execution {record.id} is {record.status.value}.")


def show_execution(record: ExecutionRecord, as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    facts = [
        ("Execution", str(record.id)),
        ("Workflow", f"{record.workflow_name or ''} (version {record.workflow_version})"),
        ("Status", record.status.value),
        ("Mode", record.mode),
        ("Began", local_time(record.created_at)),
        ("Waits till", local_time(record.wait_till)),
        ("Error", record.error_message or ""),
    ]
    print_facts([(name, value) for name, value in facts if value])
    runs = _runs((record.data or {}).get("resultData", {}).get("runData", {}))
    if runs:
        print_table(["NODE", "STATUS", "MS", "ITEMS"], runs, "No node has run.")


def _runs(run_data: dict[str, Any]) -> list[list[str]]:
    """In the order in which they ran."""
    found = sorted((run["executionIndex"], name, run) for name, runs in run_data.items() for run in runs)
    return [[name, run["executionStatus"], str(run["executionTime"]), _items(run)] for _, name, run in found]


def _items(run: dict[str, Any]) -> str:
    outputs = (run.get("data") or {}).get("main") or []
    return " | ".join(str(len(items or ())) for items in outputs)
