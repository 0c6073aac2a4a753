"""`hive signing-keys`: the keys that sign access tokens of people who are signed in."""

from typing import Annotated

import typer

from bus import subjects
from bus.messages import NoReply
from bus.messages.people import SigningKeyList
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, note, print_json, print_table

app = typer.Typer(help="Keys that sign access tokens: list, rotate.", invoke_without_command=True)


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_keys(as_json=as_json)


@app.command("list")
@command
async def list_keys(as_json: Json = False) -> None:
    """Show them, the one that signs first. Their secret halves are shown nowhere."""
    _tell(await _order("signing_keys"), as_json)


@app.command()
@command
async def rotate(
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="End at once what older ones signed: one may have got out.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign with a new key from now on. Older ones verify what they signed until that has expired."""
    found = await _order("rotate")
    _tell(await _order("forget") if forget_old else found, as_json)
    if forget_old:
        note("People go on by their refresh tokens.")


async def _order(verb: str) -> SigningKeyList:
    async with operator_bus() as bus:
        subject = subjects.service_verb(subjects.SERVICE_SESSIONS, verb)
        return await bus.request(subject, NoReply(), SigningKeyList, timeout=REQUEST_SECONDS)


def _tell(found: SigningKeyList, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [(key.kid, key.algorithm, local_time(key.created_at)) for key in found.keys]
    print_table(("Id", "Algorithm", "Made"), rows, "There are none yet: the first login makes one.")
