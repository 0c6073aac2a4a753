"""`hive explain`: where a prompt would go now, or why a task goes where it goes. Nothing is submitted."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from bus import subjects
from bus.messages import Explanation, TaskRef, TaskRequest
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.labels import label_pairs
from deploy.cli.placement import show_explanation
from deploy.cli.task import Labels, Model, Options, checked_request, options

Asked = Annotated[str, typer.Argument(help="A task's id, or a prompt to try without submitting it.", metavar="PROMPT")]


@command
async def explain(
    prompt: Asked, model: Model = None, label: Labels = None, option: Options = None, as_json: Json = False
) -> None:
    """Show where a prompt, or a task, would go, and why."""
    verb, body = asked(prompt, model, label or (), option or ())
    async with operator_bus() as bus:
        found = await bus.request(
            subjects.service_verb(subjects.SERVICE_TASKS, verb), body, Explanation, timeout=REQUEST_SECONDS
        )
    show_explanation(found, as_json)


def asked(prompt: str, model: str | None, labels: Sequence[str], option: Sequence[str]) -> tuple[str, TaskRef | TaskRequest]:
    """The verb and its body. InvalidRequest, in words, for what no door would take."""
    try:
        return "explain", TaskRef(id=UUID(prompt))
    except ValueError:
        return "preview", checked_request(
            prompt=prompt, model=model, require={"labels": {**label_pairs(labels)}}, options=options(option)
        )
