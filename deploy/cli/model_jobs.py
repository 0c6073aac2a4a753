"""`hive models jobs`: what is done with models, how far each job is, and ending one."""

from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.messages.models import JobList, JobRef, JobStatus, ListJobs, ModelJob
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.job_progress import see_through
from deploy.cli.screen import local_time, print_json, print_table, say, state

app = typer.Typer()


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_MODELS, verb)


def say_end(job: ModelJob) -> None:
    if job.error:
        say(f"{job.agent_id}: error [{job.error.code}]: {job.error.message}", "red")
    elif job.status.terminal:
        say(f"{job.agent_id}: {job.step}", "yellow" if ended_badly(job) else "")
    else:
        say(f"{job.agent_id}: job {job.id} is {job.status}")


def ended_badly(job: ModelJob) -> bool:
    return job.status in (JobStatus.FAILED, JobStatus.CANCELLED)


@app.command()
@command
async def jobs(
    model: Annotated[str | None, typer.Option("--model", "-m")] = None,
    on: Annotated[str | None, typer.Option("--on", help="Only on this agent.", metavar="AGENT")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only what has not ended.")] = False,
    as_json: Json = False,
) -> None:
    """Show what was done with models in the last day, newest first."""
    async with operator_bus() as bus:
        wish = _wish(model, on, active)
        found = await bus.request(_verb("jobs"), wish, JobList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    print_table(
        ("Job", "State", "What", "Model", "Agent", "Done", "Why", "Asked by", "Begun"),
        [_job_row(job) for job in found.jobs],
        "Nothing was done with models.",
    )


def _wish(model: str | None, on: str | None, active: bool) -> ListJobs:
    try:
        return ListJobs(model=model, agent_id=on, active=active)
    except ValidationError as error:
        raise explain(error) from None


def _job_row(job: ModelJob) -> tuple[object, ...]:
    why = job.error.code if job.error else None
    done = f"{job.bytes_done or 0:,} of {job.bytes_total:,} bytes" if job.bytes_total else None
    return job.id, state(job.status), job.action, job.model, job.agent_id, done, why, job.asked_by, local_time(job.created_at)


@app.command()
@command
async def job(job_id: Annotated[UUID, typer.Argument(help="The job's id.", metavar="ID")], as_json: Json = False) -> None:
    """Show one job, until it has ended."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("job"), JobRef(id=job_id), ModelJob, timeout=REQUEST_SECONDS)
        [ended] = await see_through(bus, (found,), quiet=as_json)
    if as_json:
        print_json(ended)
    else:
        say_end(ended)
    if ended_badly(ended):
        raise typer.Exit(1)


@app.command()
@command
async def cancel(
    job_id: Annotated[UUID, typer.Argument(help="As `hive models jobs` shows it.", metavar="JOB")], as_json: Json = False
) -> None:
    """End a pull, or have a job not begin.

    What is half pulled is no model; the next pull of it goes on from there.
    """
    async with operator_bus() as bus:
        found = await bus.request(_verb("cancel"), JobRef(id=job_id), ModelJob, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
    else:
        say(f"Cancelled the {found.action} of {found.model} on {found.agent_id}.")
