"""`hive users`: people who sign in with a name and a password. Passwords are asked for, or read from standard input, never arguments."""

import sys
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from bus import subjects
from bus.codec import explain
from bus.messages import NoReply, Role
from bus.messages.people import CreateUser, SetPassword, SetRoles, UserList, UserRecord, UserRef
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, note, print_json, print_table, say

app = typer.Typer(help="People who sign in: create, list, disable and the like.", invoke_without_command=True)

M = TypeVar("M", bound=BaseModel)
Named = Annotated[str, typer.Argument(help="The user's name.", metavar="NAME")]
Roles = Annotated[list[Role], typer.Option("--role", help="What the user may do; repeat for more.")]


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_users(as_json=as_json)


@app.command()
@command
async def create(
    name: Named,
    role: Roles = [Role.DEVELOPER],  # noqa: B006 - typer copies it
    tenant: Annotated[str, typer.Option(help="Whose the user is.")] = "default",
    no_password: Annotated[bool, typer.Option("--no-password", help="One who has keys alone.")] = False,
    as_json: Json = False,
) -> None:
    """Make a user. The password is asked for; from a pipe it is the first line."""
    password = None if no_password else _password()
    asked: dict[str, object] = {"name": name, "roles": role, "password": password, "tenant": tenant}
    _tell(await _order("create", asked, CreateUser), as_json, "Created")


@app.command("list")
@command
async def list_users(as_json: Json = False) -> None:
    """Show every user."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), NoReply(), UserList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    rows = [
        (user.name, ", ".join(user.roles) or "keys alone", _way(user), user.tenant, local_time(user.last_login_at),
         local_time(user.disabled_at))
        for user in found.users
    ]  # fmt: skip
    print_table(("Name", "Roles", "Signs in by", "Tenant", "Last login", "Disabled"), rows, "There are no users.")


@app.command()
@command
async def disable(name: Named, as_json: Json = False) -> None:
    """Refuse a user, and the user's keys, from now on."""
    _tell(await _order("disable", {"name": name}, UserRef), as_json, "Disabled")


@app.command()
@command
async def enable(name: Named, as_json: Json = False) -> None:
    """Let a disabled user in again."""
    _tell(await _order("enable", {"name": name}, UserRef), as_json, "Enabled")


@app.command()
@command
async def roles(name: Named, role: Roles, as_json: Json = False) -> None:
    """Give a user other roles."""
    _tell(await _order("roles", {"name": name, "roles": role}, SetRoles), as_json, "Changed")


@app.command()
@command
async def password(name: Named, as_json: Json = False) -> None:
    """Set a user's password, which ends the user's sessions. It is asked for; from a pipe it is the first line."""
    _tell(await _order("password", {"name": name, "password": _password()}, SetPassword), as_json, "Changed")


@app.command()
@command
async def remove(name: Named) -> None:
    """Forget a user. Keys are revoked; what the user owns stays."""
    await _order("remove", {"name": name}, UserRef, NoReply)
    say(f"Removed {name}.")


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_USERS, verb)


async def _order(verb: str, asked: dict[str, object], body: type[BaseModel], answer: type[M] = UserRecord) -> M:  # type: ignore[assignment]
    try:
        wish = body.model_validate(asked)
    except ValidationError as error:
        raise explain(error) from None
    async with operator_bus() as bus:
        return await bus.request(_verb(verb), wish, answer, timeout=REQUEST_SECONDS)


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _way(user: UserRecord) -> str:
    return ", ".join([*(["password"] if user.has_password else []), *([user.oidc_issuer] if user.oidc_issuer else [])])


def _tell(user: UserRecord, as_json: bool, done: str) -> None:
    if as_json:
        print_json(user)
    else:
        say(f"{done} {user.name}.")
        note(f"Roles: {', '.join(user.roles) or 'none'}.")
