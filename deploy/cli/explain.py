"""`hive explain`: where a prompt would go now, or why a task goes where it goes. Nothing is submitted."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import typer
from pydantic import JsonValue

from bus import subjects
from bus.messages import Explanation, TaskRef, TaskRequest
from deploy.cli.asking import (
    Capabilities,
    Labels,
    Model,
    Options,
    Priority,
    Session,
    Vram,
    checked_request,
    options,
    rank,
    requirements,
)
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
    wish = {
        "model": model,
        "require": requirements(label or (), capability or (), vram),
        "priority": rank(priority),
        "session": session,
        "options": options(option or ()),
    }
    verb, body = asked(prompt, wish)
    async with operator_bus() as bus:
        found = await bus.request(
            subjects.service_verb(subjects.SERVICE_TASKS, verb), body, Explanation, timeout=REQUEST_SECONDS
        )
    show_explanation(found, as_json)


def asked(prompt: str, wish: Mapping[str, JsonValue]) -> tuple[str, TaskRef | TaskRequest]:
    """The verb and its body. InvalidRequest, in words, for what no door would take."""
    try:
        return "explain", TaskRef(id=UUID(prompt))
    except ValueError:
        return "preview", checked_request(prompt=prompt, **wish)
