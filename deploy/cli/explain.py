"""`hive explain`: where a prompt would go now, or why a task goes where it goes. Nothing is submitted."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import typer
from pydantic import JsonValue

from bus import subjects
from bus.messages import Explanation, TaskRef, TaskRequest
from deploy.cli.asking import Capabilities, Labels, Model, Options, Priority, Session, Vram, checked_request, task_fields
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.placement import show_explanation

Asked = Annotated[str, typer.Argument(help="A task's id, or a prompt to try without submitting it.", metavar="PROMPT")]


@command
async def explain(
    prompt: Asked,
    model: Model = None,
    label: Labels = None,
    capability: Capabilities = None,
    vram: Vram = None,
    priority: Priority = "medium",
    session: Session = None,
    option: Options = None,
    as_json: Json = False,
) -> None:
    """Show where a prompt, or a task, would go, and why."""
    verb, body = asked(prompt, {**task_fields(model, label, capability, vram, priority, option), "session": session})
    async with operator_bus() as bus:
        found = await bus.request(
            subjects.service_verb(subjects.SERVICE_TASKS, verb), body, Explanation, timeout=REQUEST_SECONDS
        )
    show_explanation(found, as_json)


def asked(prompt: str, wished: Mapping[str, JsonValue]) -> tuple[str, TaskRef | TaskRequest]:
    """The verb and its body. InvalidRequest, in words, for what no door would take."""
    try:
        return "explain", TaskRef(id=UUID(prompt))
    except ValueError:
        return "preview", checked_request(prompt=prompt, **wished)
