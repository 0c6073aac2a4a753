"""`hive models alias`: other names for models, and stand-ins for those that are not there."""

from typing import Annotated

import typer
from pydantic_core import to_json

from bus import subjects
from bus.codec import decode
from bus.messages import NoReply
from bus.messages.aliases import AliasList, AliasRef, ModelAlias
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import print_json, print_table, say

app = typer.Typer()

Alias = Annotated[str, typer.Argument(help="The name that clients write.", metavar="NAME")]


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_MODELS, verb)


@app.command()
@command
async def aliases(as_json: Json = False) -> None:
    """List the aliases, and what each stands for."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("aliases"), NoReply(), AliasList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    rows = [(each.alias, ", ".join(each.models)) for each in found.aliases]
    print_table(("Alias", "Models, the best first"), rows, "No aliases. Make one: hive models alias NAME MODEL")


@app.command()
@command
async def alias(
    name: Alias, models: Annotated[list[str], typer.Argument(help="The best first.", metavar="MODEL...")], as_json: Json = False
) -> None:
    """Let a name stand for a model. Of several, the first that is there."""
    order = decode(ModelAlias, to_json({"alias": name, "models": models}))
    async with operator_bus() as bus:
        found = await bus.request(_verb("alias"), order, ModelAlias, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
    else:
        say(f"{found.alias} stands for {', '.join(found.models)}.")


@app.command()
@command
async def unalias(name: Alias) -> None:
    """Forget an alias."""
    async with operator_bus() as bus:
        await bus.request(_verb("unalias"), decode(AliasRef, to_json({"alias": name})), NoReply, timeout=REQUEST_SECONDS)
    say(f"{name} stands for nothing any more.")
