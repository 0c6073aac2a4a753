"""`hive keys`: API keys, made with the bus's own credentials. That is also the way back in when a key is lost."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import InvalidRequest, NotFound
from bus.messages import CreateKey, IssuedKey, KeyList, KeyRecord, KeyRef, NoReply, Role
from bus.tenancy import HOME
from deploy.cli.command import Json, command
from deploy.cli.connection import operator_bus
from deploy.cli.screen import local_time, note, print_json, print_table, say

app = typer.Typer(help="API keys: create, list, revoke.", invoke_without_command=True)


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_keys(as_json=as_json)


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_KEYS, verb)


@app.command()
@command
async def create(
    owner: Annotated[str, typer.Argument(help="A user's name; a new one is made.")],
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.DEVELOPER,
    model: Annotated[list[str] | None, typer.Option(help="The only models it may use; repeat for more.")] = None,
    name: Annotated[str | None, typer.Option(help="What the key is for.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="The only permissions of its role, such as models.manage or tasks.*; repeat.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="After which it ends by itself; left out: never.", min=0.001)] = None,
    tenant: Annotated[
        str, typer.Option(help="Whose user it is: another tenant sees nothing of what this one's keys do.")
    ] = HOME,
    as_json: Json = False,
) -> None:
    """Make a key, and show it this once."""
    try:
        expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
        about = {"models": tuple(model or ()), "name": name, "scopes": tuple(scope or ()), "expires_at": expires}
        wish = CreateKey.model_validate({"owner": owner, "role": role, "tenant": tenant, **about})
    except ValidationError as error:
        raise explain(error) from None
    async with operator_bus() as bus:
        issued = await bus.request(_verb("create"), wish, IssuedKey, timeout=10)
    if as_json:
        print_json(issued)
    else:
        say(issued.key)
        note(f"A key of {issued.record.owner} with the role {issued.record.role}. It is shown only now.")


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
        (key.id, key.prefix, key.tenant, key.owner, ", ".join((key.role, *key.scopes)), ", ".join(key.models) or "all", key.name,
         local_time(key.created_at), local_time(key.expires_at), local_time(key.revoked_at))
        for key in found.keys
    ]  # fmt: skip
    print_table(
        ("Id", "Begins with", "Tenant", "Owner", "Role", "Models", "Name", "Created", "Expires", "Revoked"),
        rows,
        "There are no keys.",
    )


@app.command()
@command
async def revoke(
    key: Annotated[str, typer.Argument(help="Its id, or how it begins, as `hive keys list` shows them.", metavar="KEY")],
    as_json: Json = False,
) -> None:
    """Make a key worthless, from now on."""
    async with operator_bus() as bus:
        ref = KeyRef(id=named(key, (await bus.request(_verb("list"), NoReply(), KeyList, timeout=10)).keys))
        record = await bus.request(_verb("revoke"), ref, KeyRecord, timeout=10)
    if as_json:
        print_json(record)
    else:
        say(f"Revoked {record.prefix}… of {record.owner}.")


def named(key: str, keys: Sequence[KeyRecord]) -> UUID:
    """The one key that is meant by an id, or by its first characters; the whole key will do. NotFound, InvalidRequest."""
    found = [record for record in keys if key == str(record.id) or key.startswith(record.prefix)]
    holding = [record for record in found if record.revoked_at is None] or found
    if not holding:
        raise NotFound("There is no such key. `hive keys list` shows their ids and how they begin.")
    if len(holding) > 1:
        raise InvalidRequest("Several keys begin so. Name one by its id, as `hive keys list` shows it.")
    return holding[0].id
