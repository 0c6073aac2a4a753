"""`hive join-token`: what lets a new host join, made with the bus's own credentials."""

import re
from typing import Annotated, Final
from uuid import UUID

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import HiveError, InvalidRequest
from bus.messages.joining import (
    MOST_TOKENS,
    CreateJoinToken,
    IssuedJoinToken,
    JoinTokenList,
    JoinTokenRecord,
    JoinTokenRef,
    ListJoinTokens,
)
from deploy.cli.command import Json, command, settings
from deploy.cli.connection import REQUEST_SECONDS, operator_bus, running
from deploy.cli.labels import label_changes
from deploy.cli.screen import local_time, note, print_json, print_table, say
from deploy.join_door import door_url, with_address

app = typer.Typer(help="Tokens by which hosts join: create, list, revoke.", no_args_is_help=True)
_UNITS: Final = {"m": 60, "h": 3600, "d": 24 * 3600}


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_JOIN_TOKENS, verb)


@app.command()
@command
async def create(
    expires: Annotated[str, typer.Option(help="After so long: 30m, 24h, 7d.", metavar="TIME")] = "24h",
    uses: Annotated[int, typer.Option(help="Hosts that may join with it.")] = 1,
    labels: Annotated[list[str] | None, typer.Option("--label", help="Of those hosts: site=basement; may be repeated.")] = None,
    name: Annotated[str | None, typer.Option(help="What the token is for.")] = None,
    url: Annotated[str | None, typer.Option(help="The API as the new host reaches it; left out: what this hive knows.")] = None,
    as_json: Json = False,
) -> None:
    """Make a token, and show it this once. On the new host: hive join TOKEN."""
    wish = wished(expires, uses, labels or [], name)
    api, fingerprint, doubt = (door_url(url), _fingerprint(), None) if url else _reach()
    async with operator_bus() as bus:
        issued = await bus.request(_verb("create"), wish, IssuedJoinToken, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(issued)
        return
    say(with_address(issued.token, api, fingerprint) if api else issued.token)
    _explain(issued.record, api, doubt)


def _fingerprint() -> str | None:
    try:
        return running(settings()).fingerprint
    except HiveError:
        return None


def _reach() -> tuple[str | None, str | None, str | None]:
    """The API as another host reaches it, its authority's fingerprint, and what stands in the way."""
    try:
        state = running(settings())
    except HiveError:  # a bus that was named, without a hive of its own here
        return None, None, "Name the hive's API on the new host with --url."
    if state.lan_api is None or not state.lan_bus:
        missing = [name for name, has in (("HIVE_HOST", state.lan_api), ("HIVE_NATS_HOST", state.lan_bus)) if not has]
        doubt = (
            "Other machines do not reach this hive: it listens on loopback. Start it with `hive up --listen 0.0.0.0`, or without TLS with "
            f"{' and '.join(f'{name}=0.0.0.0' for name in missing)}."
        )
        return state.lan_api or state.api, state.fingerprint, doubt
    return state.lan_api, state.fingerprint, None


def _explain(record: JoinTokenRecord, api: str | None, doubt: str | None) -> None:
    hosts = "one host" if record.uses_allowed == 1 else f"{record.uses_allowed} hosts"
    note(f"For {hosts}, until {local_time(record.expires_at)}. It is shown only now. On the new host: hive join TOKEN")
    if doubt:
        note(doubt)


@app.command("list")
@command
async def list_tokens(
    limit: Annotated[int, typer.Option(min=1, max=MOST_TOKENS, help="How many.")] = 50, as_json: Json = False
) -> None:
    """Show the tokens, newest first, never their secrets."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), ListJoinTokens(limit=limit), JoinTokenList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    columns = ("Token", "State", "Uses", "Hosts", "Labels", "Name", "Made by", "Expires")
    empty = "There are no join tokens. Make one: hive join-token create"
    print_table(columns, [_row(token) for token in found.tokens], empty)


def _row(token: JoinTokenRecord) -> tuple[object, ...]:
    labels = ", ".join(f"{name}={value}" for name, value in token.labels.items())
    used, hosts = f"{token.uses}/{token.uses_allowed}", ", ".join(token.hosts)
    state = token.state.value.replace("_", " ")
    return token.id, state, used, hosts, labels, token.name, token.created_by, local_time(token.expires_at)


@app.command()
@command
async def revoke(
    token_id: Annotated[UUID, typer.Argument(help="As `hive join-token list` shows it.", metavar="TOKEN")],
    as_json: Json = False,
) -> None:
    """Let nobody join by it any more. Hosts that have joined stay."""
    async with operator_bus() as bus:
        record = await bus.request(_verb("revoke"), JoinTokenRef(id=token_id), JoinTokenRecord, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(record)
    else:
        say(f"Revoked {record.id}{f' ({record.name})' if record.name else ''}. Nobody joins by it any more.")


def wished(expires: str, uses: int, labels: list[str], name: str | None) -> CreateJoinToken:
    """InvalidRequest, in words, for what is no wish for a token."""
    given = {label: value for label, value in label_changes(labels).items() if value is not None}
    try:
        return CreateJoinToken.model_validate(
            {"expires_seconds": seconds(expires), "uses": uses, "labels": given, "name": name}
        )
    except ValidationError as error:
        raise explain(error) from None


def seconds(text: str) -> int:
    """`30m`, `24h`, `7d`. InvalidRequest."""
    found = re.fullmatch(r"(\d{1,6})([mhd])", text.strip().lower())
    if found is None:
        raise InvalidRequest(f"`{text}` is no time. Write it like 30m, 24h or 7d.")
    return int(found[1]) * _UNITS[found[2]]
