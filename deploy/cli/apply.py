"""`hive apply`: wish models by a file, or see what the wish would do."""

from pathlib import Path
from typing import Annotated

import typer

from bus import subjects
from bus.messages.models import ApplyPlacement, Placement
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.model_placement import show_actions, show_models
from deploy.cli.screen import print_json, say
from deploy.models_file import read_models


@command
async def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="A YAML file of models, such as models.yaml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done now.")] = False,
    as_json: Json = False,
) -> None:
    """Wish by a file where models are to be; Hive keeps it so.

    How many agents have each in memory, which, and with how much context.
    """
    order = ApplyPlacement(models=read_models(file).models, dry_run=dry_run)
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_PLACEMENT, "apply")
        found = await bus.request(verb, order, Placement, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    if not dry_run:
        say(f"Applied as version {found.wish.version}. `hive placement` shows how far it is.")
    show_actions(found.state)
    show_models(found.state)
