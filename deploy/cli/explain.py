"""`hive explain`: which agents could take a task and why, of one that there is, or as a dry run of one that there is not."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from pydantic import JsonValue

from bus import subjects
from bus.errors import InvalidRequest
from bus.messages import Explanation, TaskRef, TaskRequest
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.placement import show_explanation
from deploy.cli.task import checked_request


@command
async def explain(
    task_id: Annotated[UUID | None, typer.Argument(help="A task's id; left out for a dry run.", metavar="[ID]")] = None,
    prompt: Annotated[str | None, typer.Option(help="Of a task that is not submitted; its length counts.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Left out: what an able agent has warm.")] = None,
    priority: Annotated[str, typer.Option("--priority", "-p", help="1 (first) to 5, or high, medium, low.")] = "medium",
    capability: Annotated[list[str] | None, typer.Option(help="Least proficiency, such as code=0.5; repeat for more.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Asked of the agent, such as room=a; repeat for more.")] = None,
    vram: Annotated[float | None, typer.Option(help="Least GB of VRAM.")] = None,
    as_json: Json = False,
) -> None:
    """Show which agents could take a task, and why: of a waiting task, or as a dry run where would one go."""
    dry = (prompt, model, capability, label, vram) != (None,) * 5
    if task_id is not None and dry:
        raise InvalidRequest("A task's id and the options of a dry run exclude each other. Give one or the other.")
    capabilities: dict[str, JsonValue] = {name: _number(name, value) for name, value in _pairs(capability or ()).items()}
    labels: dict[str, JsonValue] = {**_pairs(label or ())}
    body: TaskRef | TaskRequest = (
        TaskRef(id=task_id)
        if task_id is not None
        else checked_request(
            prompt=prompt or "Hello.",
            model=model,
            priority=int(priority) if priority.isdecimal() else priority,
            require={"capabilities": capabilities, "labels": labels, "vram_gb": vram},
        )
    )
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_TASKS, "explain" if task_id is not None else "preview")
        show_explanation(await bus.request(verb, body, Explanation, timeout=REQUEST_SECONDS), as_json)


def _pairs(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise InvalidRequest(f"{word} has no value. Write it as name=value.")
        found[name] = value
    return found


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InvalidRequest(f"The proficiency in {name} is a number from 0 to 1, not {value}.") from None
