"""`hive models`: which are where, and having one pulled, loaded, unloaded or deleted."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages import NoReply
from bus.messages.models import (
    ModelList,
    ModelOnAgent,
    ModelOrder,
    ModelRecord,
    ModelRef,
    OrderedJobs,
)
from deploy.cli import aliases, model_jobs
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.job_progress import see_through
from deploy.cli.labels import label_pairs
from deploy.cli.model_jobs import ended_badly, say_end
from deploy.cli.screen import print_facts, print_json, print_table, say, state

M = TypeVar("M", bound=BaseModel)

app = typer.Typer(help="Models: list, show, pull, cancel, load, unload, delete.", invoke_without_command=True)

app.add_typer(aliases.app)
app.add_typer(model_jobs.app)

Model = Annotated[str, typer.Argument(help="With its tag, such as llama3.2:3b.", metavar="MODEL")]
On = Annotated[list[str] | None, typer.Option("--on", help="An agent; repeat for more.", metavar="AGENT")]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", "-l", help="All agents with it; repeat for agents with all of them.", metavar="NAME=VALUE"),
]
Wait = Annotated[bool, typer.Option(help="Show how far it is, until it has ended; else only the jobs.")]


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_MODELS, verb)


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_models(as_json=as_json)


@app.command("list")
@command
async def list_models(as_json: Json = False) -> None:
    """Show every model and where it is; * where it is in memory."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), NoReply(), ModelList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    columns = ("Model", "Size", "Agents", "Memory", "Running", "Could pull", "Family", "Quantization")
    print_table(columns, [_row(model) for model in found.models], "No models yet. Get one: hive models pull MODEL --on AGENT")


def _row(model: ModelRecord) -> tuple[object, ...]:
    agents = ", ".join(f"{copy.agent_id}{'*' if copy.loaded else ''}" for copy in model.agents)
    memory = sum(copy.memory_bytes or copy.vram_bytes or 0 for copy in model.agents if copy.agent_id in model.loaded_on)
    family = " ".join(filter(None, (model.family, model.parameter_size)))
    return (
        model.name, size(model.size_bytes), agents, size(memory), model.running or None, ", ".join(model.could_pull),
        family, model.quantization,
    )  # fmt: skip


def size(number: int | None) -> str | None:
    """Bytes for people, in the units that Ollama shows."""
    if not number:
        return None
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


@app.command()
@command
async def show(model: Model, as_json: Json = False) -> None:
    """Show one model: every copy of it, and who else could pull it."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("get"), _checked(ModelRef, name=model), ModelRecord, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    limit = f"{found.context_limit} tokens" if found.context_limit else None
    facts = (
        ("Model", found.name), ("Family", found.family), ("Parameters", found.parameter_size),
        ("Quantization", found.quantization), ("Size", size(found.size_bytes)), ("Context", limit),
    )  # fmt: skip
    print_facts([(name, value) for name, value in facts if value])
    columns = ("Agent", "State", "Loaded", "Memory", "VRAM", "Context", "Running", "Digest")
    print_table(columns, [_copy(copy) for copy in found.agents], "")
    rows = [(other.agent_id, "yes" if other.could_pull else "no", other.reason) for other in found.elsewhere or ()]
    if rows:
        print_table(("Elsewhere", "Could pull", "Why"), rows, "")


def _copy(copy: ModelOnAgent) -> tuple[object, ...]:
    context = (
        f"{copy.context_length}{f' ({copy.context_reason})' if copy.context_reason else ''}" if copy.context_length else None
    )
    digest = (copy.digest or "").removeprefix("sha256:")[:12]
    loaded = "yes" if copy.loaded else "no"
    return (
        copy.agent_id,
        state(copy.status),
        loaded,
        size(copy.memory_bytes),
        size(copy.vram_bytes),
        context,
        copy.running or None,
        digest,
    )


@app.command()
@command
async def pull(model: Model, on: On = None, label: Labels = None, wait: Wait = True, as_json: Json = False) -> None:
    """Download a model to agents, and show how far it is. Ctrl-C leaves it going on; `hive models cancel` ends it."""
    await _order("pull", model, on, label, wait, as_json)


@app.command()
@command
async def load(model: Model, on: On = None, label: Labels = None, wait: Wait = True, as_json: Json = False) -> None:
    """Load a model into the memory of agents.

    Its first task need not wait for that then.
    """
    await _order("load", model, on, label, wait, as_json)


@app.command()
@command
async def unload(model: Model, on: On = None, label: Labels = None, wait: Wait = True, as_json: Json = False) -> None:
    """Take a model from the memory of agents."""
    await _order("unload", model, on, label, wait, as_json)


@app.command()
@command
async def delete(model: Model, on: On = None, label: Labels = None, wait: Wait = True, as_json: Json = False) -> None:
    """Take a model from the disk of agents."""
    await _order("delete", model, on, label, wait, as_json)


async def _order(
    verb: str, model: str, on: Sequence[str] | None, labels: Sequence[str] | None, wait: bool, as_json: bool
) -> None:
    """Ends the command with an error where an agent refused, or a job that was waited for failed."""
    if not on and not labels:
        raise InvalidRequest("Say which agents: --on AGENT, or --label NAME=VALUE. `hive agents` lists them.")
    order = _checked(ModelOrder, model=model, agents=list(on or ()), labels=label_pairs(labels or ()))
    async with operator_bus() as bus:
        ordered = await bus.request(_verb(verb), order, OrderedJobs, timeout=REQUEST_SECONDS)
        if wait:
            ordered = ordered.model_copy(update={"jobs": await see_through(bus, ordered.jobs, quiet=as_json)})
    if as_json:
        print_json(ordered)
    else:
        for job in ordered.jobs:
            say_end(job)
        for refusal in ordered.refused:
            say(f"{refusal.agent_id}: error [{refusal.code}]: {refusal.message}", "red")
    if ordered.refused or any(ended_badly(job) for job in ordered.jobs):
        raise typer.Exit(1)


def _checked(kind: type[M], **fields: object) -> M:
    try:
        return kind.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        raise explain(error) from None
