"""`hive keys`: API keys, made with the bus's own credentials. That is also the way back in when a key is lost."""

from typing import Annotated
from uuid import UUID

import typer

from bus import subjects
from bus.messages import CreateKey, IssuedKey, KeyList, KeyRecord, KeyRef, NoReply, Role
from deploy.cli.command import Json, command
from deploy.cli.connection import operator_bus
from deploy.cli.screen import local_time, print_json, print_table, say

app = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_KEYS, verb)


@app.command()
@command
async def create(
    owner: Annotated[str, typer.Argument(help="A user's name; a new one is made.")],
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.DEVELOPER,
    model: Annotated[list[str] | None, typer.Option(help="The only models it may use; repeat for more.")] = None,
    name: Annotated[str | None, typer.Option(help="What the key is for.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key, and show it this once."""
    wish = CreateKey(owner=owner, role=role, models=tuple(model or ()), name=name)
    async with operator_bus() as bus:
        issued = await bus.request(_verb("create"), wish, IssuedKey, timeout=10)
    if as_json:
        print_json(issued)
    else:
        say(issued.key)
        say(f"A key of {issued.record.owner} with the role {issued.record.role}. It is shown only now.", "dim")


@app.command("list")
@command
async def list_keys(as_json: Json = False) -> None:
    """Show every key, never its secret."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), NoReply(), KeyList, timeout=10)
    if as_json:
        print_json(found)
        return
    rows = [
        (key.id, key.prefix, key.owner, key.role, ", ".join(key.models) or "all", key.name, local_time(key.created_at),
         local_time(key.revoked_at))
        for key in found.keys
    ]  # fmt: skip
    print_table(("Id", "Begins with", "Owner", "Role", "Models", "Name", "Created", "Revoked"), rows, "There are no keys.")


@app.command()
@command
async def revoke(key_id: Annotated[UUID, typer.Argument(help="As `hive keys list` shows it.")], as_json: Json = False) -> None:
    """Make a key worthless, from now on."""
    async with operator_bus() as bus:
        record = await bus.request(_verb("revoke"), KeyRef(id=key_id), KeyRecord, timeout=10)
    if as_json:
        print_json(record)
    else:
        say(f"Revoked {record.prefix}… of {record.owner}.")
