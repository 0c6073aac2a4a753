"""`hive credential`: what workflows' nodes use to be let in elsewhere. What one holds is read from a file, and never shown."""

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from bus import subjects
from bus.client import Bus
from bus.codec import explain
from bus.errors import CredentialNotFound, DeadlineExceeded, HiveError, InvalidRequest
from bus.messages import NoReply
from bus.messages.credentials import (
    ChangeCredential,
    ConnectCredential,
    ConnectUrl,
    CreateCredential,
    CredentialList,
    CredentialRecord,
    CredentialRef,
    CredentialTest,
    TryCredential,
)
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, note, print_json, print_table, say

app = typer.Typer(help="Credentials of workflows: add, connect, test and the like.", no_args_is_help=True)

TRY_SECONDS = 40.0
LOOK_SECONDS = 1.0
Named = Annotated[str, typer.Argument(help="Its id, or its name where that is one credential's alone.", metavar="CREDENTIAL")]
DataFile = Annotated[
    Path, typer.Option("--file", "-f", help="JSON object with the fields that n8n has for the type; - reads standard input.")
]


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_CREDENTIALS, verb)


@app.command()
@command
async def add(
    name: Annotated[str, typer.Argument(help="By which nodes find it.")],
    kind: Annotated[str, typer.Argument(help="n8n's name of the type, such as httpHeaderAuth or postgres.", metavar="TYPE")],
    file: DataFile,
    owner: Annotated[str | None, typer.Option(help="Whose workflows may use it; left out: those of the command line.")] = None,
    shared: Annotated[bool, typer.Option("--shared", help="Let everybody's workflows use it.")] = False,
    n8n_id: Annotated[str | None, typer.Option(help="The id that it had in n8n, by which workflows name it.")] = None,
    as_json: Json = False,
) -> None:
    """Store a credential. What it holds is sealed, and shown nowhere."""
    given = {"name": name, "type": kind, "data": _read(file), "owner": owner, "shared": shared, "n8n_id": n8n_id}
    async with operator_bus() as bus:
        record = await bus.request(_verb("create"), _wish(CreateCredential, given), CredentialRecord, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(record)
    else:
        say(f"Credential {record.id} ({record.name}) of {record.owner} is stored.")


@app.command("import")
@command
async def import_file(
    file: Annotated[Path, typer.Argument(help="What `n8n export:credentials --all --decrypted` wrote.", metavar="FILE")],
    owner: Annotated[str | None, typer.Option(help="Whose workflows may use them.")] = None,
    shared: Annotated[bool, typer.Option("--shared", help="Let everybody's workflows use them.")] = False,
) -> None:
    """Store what an n8n exported, with the ids that workflows know."""
    found = _load(file)
    refused = 0
    async with operator_bus() as bus:
        for each in found if isinstance(found, list) else [found]:
            refused += not await _imported(bus, each, owner, shared)
    note("Delete the file: it holds the secrets in clear.")
    if refused:
        raise typer.Exit(1)


async def _imported(bus: Bus, given: Any, owner: str | None, shared: bool) -> bool:
    if not isinstance(given, dict) or not isinstance(given.get("data"), dict):
        say("skipped  an entry without readable `data`: export with --decrypted", "yellow")
        return False
    wish = {"name": given.get("name"), "type": given.get("type"), "data": given["data"], "n8n_id": given.get("id")}
    try:
        made = _wish(CreateCredential, {**wish, "owner": owner, "shared": shared})
        record = await bus.request(_verb("create"), made, CredentialRecord, timeout=REQUEST_SECONDS)
    except HiveError as error:
        say(f"skipped  {given.get('name')!r} [{error.code}]: {error.message}", "yellow")
        return False
    say(f"stored   {record.name} ({record.type}) as {record.id}")
    return True


@app.command("list")
@command
async def list_credentials(as_json: Json = False) -> None:
    """Show every credential, never what it holds."""
    async with operator_bus() as bus:
        found = await _all(bus)
    if as_json:
        print_json(found)
        return
    rows = [
        (each.id, each.name, each.type, ", ".join(each.fields), each.owner, "shared" if each.shared else "",
         local_time(each.updated_at), local_time(each.connected_at) if each.connected_at else "")
        for each in found.credentials
    ]  # fmt: skip
    print_table(
        ("Id", "Name", "Type", "Fields", "Owner", "Shared", "Changed", "Connected"),
        rows,
        "No credential is stored. `hive credential add NAME TYPE --file FILE` stores one.",
    )


@app.command()
@command
async def update(
    credential: Named,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="JSON object of the fields that change; null takes one out.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    shared: Annotated[bool | None, typer.Option("--shared/--own", help="Who may use it.")] = None,
) -> None:
    """Change a credential; what is not named stays."""
    given = {"data": _read(file) if file is not None else None, "name": name, "shared": shared}
    async with operator_bus() as bus:
        wish = _wish(ChangeCredential, {"id": (await _meant(bus, credential)).id, **given})
        record = await bus.request(_verb("update"), wish, CredentialRecord, timeout=REQUEST_SECONDS)
    say(f"Credential {record.id} ({record.name}) is changed.")


@app.command("test")
@command
async def try_credential(
    credential: Named,
    url: Annotated[str | None, typer.Option(help="What is asked with it, by GET; left out: what its type says.")] = None,
) -> None:
    """Ask who it is for whether it holds. Fails where it does not."""
    async with operator_bus() as bus:
        wish = _wish(TryCredential, {"id": (await _meant(bus, credential)).id, "url": url})
        found = await bus.request(_verb("test"), wish, CredentialTest, timeout=TRY_SECONDS)
    if not found.ok:
        say(found.message, "red")
        raise typer.Exit(1)
    say(found.message)


@app.command()
@command
async def connect(
    credential: Named,
    wait: Annotated[float, typer.Option(help="Seconds to wait until it is connected; 0: not at all.", min=0, max=900)] = 300,
) -> None:
    """Print the address where a person lets the hive in, and wait."""
    async with operator_bus() as bus:
        before = await _meant(bus, credential)
        ref = ConnectCredential(id=before.id)
        found = await bus.request(_verb("connect"), ref, ConnectUrl, timeout=TRY_SECONDS)
        typer.echo(found.url)
        note(f"Open it. The provider must know the redirect address {found.redirect_uri}.")
        if wait:
            await _until_connected(bus, before, wait)
            say(f"Credential {before.id} ({before.name}) is connected.")


async def _until_connected(bus: Bus, before: CredentialRecord, seconds: float) -> None:
    """DeadlineExceeded."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        now = await bus.request(_verb("get"), CredentialRef(id=before.id), CredentialRecord, timeout=REQUEST_SECONDS)
        if now.connected_at is not None and now.connected_at != before.connected_at:
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise DeadlineExceeded(f"Nobody connected the credential within {seconds:g} s. The address still works until it expires.")


@app.command()
@command
async def remove(credential: Named) -> None:
    """Delete a credential. Nodes that name it fail from then on."""
    async with operator_bus() as bus:
        record = await _meant(bus, credential)
        await bus.request(_verb("delete"), CredentialRef(id=record.id), NoReply, timeout=REQUEST_SECONDS)
    say(f"Credential {record.id} ({record.name}) is removed.")


@app.command()
@command
def key() -> None:
    """Print a new key for HIVE_CREDENTIALS_KEY. Put before the old one it seals from then on, and the old one still reads."""
    from bus.vault import new_key

    typer.echo(new_key())


async def _all(bus: Bus) -> CredentialList:
    return await bus.request(_verb("list"), NoReply(), CredentialList, timeout=REQUEST_SECONDS)


async def _meant(bus: Bus, named: str) -> CredentialRecord:
    """CredentialNotFound, InvalidRequest for a name that several have."""
    found = [each for each in (await _all(bus)).credentials if named in (str(each.id), each.name)]
    if not found:
        raise CredentialNotFound(f"There is no credential {named!r}. `hive credential list` shows them.")
    if len(found) > 1:
        raise InvalidRequest(f"{len(found)} credentials are called {named!r}. Name one by its id.")
    return found[0]


def _wish(model: Any, given: dict[str, Any]) -> Any:
    """InvalidRequest, without what was given. What is None is left out."""
    try:
        return model.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise explain(error) from None


def _read(file: Path) -> dict[str, Any]:
    found = _load(file)
    if not isinstance(found, dict):
        raise InvalidRequest(f'{file} holds no JSON object. Write it as {{"name": "X-Key", "value": "the secret"}}.')
    return found


def _load(file: Path) -> Any:
    """InvalidRequest for what cannot be read; its words have nothing of the content."""
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidRequest(f"{file} is not JSON{where}.") from None
