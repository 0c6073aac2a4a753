"""`hive mcp-server`: the MCP servers that workflows may call. What is secret of one is read from a file, and never shown."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import InvalidRequest
from bus.messages import NoReply
from bus.messages.mcp_servers import (
    ImportMcpServers,
    McpImport,
    McpServerList,
    McpServerRecord,
    McpServerRef,
    McpTransport,
    RegisterMcpServer,
)
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_time, note, print_json, print_table, say

app = typer.Typer(help="MCP servers for workflows: add, import, list, show, remove.", no_args_is_help=True)

Named = Annotated[str, typer.Argument(help="Its name.", metavar="NAME")]


def _verb(verb: str) -> str:
    return subjects.service_verb(subjects.SERVICE_MCP_SERVERS, verb)


@app.command()
@command
async def add(
    name: Named,
    what: Annotated[
        list[str], typer.Argument(help="Its URL, or the command that starts it (after --).", metavar="URL|COMMAND...")
    ],
    sse: Annotated[bool, typer.Option("--sse", help="The URL speaks the older transport.")] = False,
    secrets: Annotated[
        Path | None,
        typer.Option(
            "--secrets", "-s", help="JSON object: headers for a URL, environment for a command; - reads standard input."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Register a server by its URL, or by the command after --."""
    wish = _wish(name, what, sse, _load(secrets) if secrets is not None else {})
    async with operator_bus() as bus:
        record = await bus.request(_verb("register"), wish, McpServerRecord, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(record)
    else:
        say(
            f"MCP server {record.name} ({record.transport}) is registered. `hive mcp-server show {record.name}` shows its tools."
        )


def _wish(name: str, what: list[str], sse: bool, secrets: Any) -> RegisterMcpServer:
    """InvalidRequest, without what was given."""
    given: dict[str, Any]
    if len(what) == 1 and "://" in what[0]:
        transport = McpTransport.SSE if sse else McpTransport.STREAMABLE_HTTP
        given = {"transport": transport, "endpoint": what[0], "headers": secrets}
    else:
        given = {"transport": McpTransport.STDIO, "command": what[0], "args": what[1:], "env": secrets}
    try:
        return RegisterMcpServer.model_validate({"name": name, **given})
    except ValidationError as error:
        raise explain(error) from None


@app.command("import")
@command
async def import_file(
    file: Annotated[
        Path, typer.Argument(help='JSON with "mcpServers", as assistants have it, or with "servers".', metavar="FILE")
    ],
) -> None:
    """Register what a file has; one that is there already is replaced."""
    document = _load(file)
    if not isinstance(document, dict):
        raise InvalidRequest(f'{file} holds no JSON object with "mcpServers" or "servers".')
    async with operator_bus() as bus:
        done = await bus.request(_verb("import"), ImportMcpServers(document=document), McpImport, timeout=REQUEST_SECONDS)
    for entry in done.entries:
        if entry.stored:
            say(f"stored   {entry.name}")
        else:
            say(f"skipped  {entry.name!r} [{entry.code}]: {entry.message}", "yellow")
    if not all(entry.stored for entry in done.entries):
        raise typer.Exit(1)


@app.command("list")
@command
async def list_servers(as_json: Json = False) -> None:
    """Show every server and how it is."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("list"), NoReply(), McpServerList, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    rows = [
        (each.name, each.transport, each.endpoint or each.command, each.status, each.reason or "", each.owner,
         local_time(each.checked_at) if each.checked_at else "")
        for each in found.servers
    ]  # fmt: skip
    print_table(
        ("Name", "Transport", "Where", "Status", "Reason", "Owner", "Checked"),
        rows,
        "No MCP server is registered. `hive mcp-server add NAME URL` registers one.",
    )


@app.command()
@command
async def show(name: Named, as_json: Json = False) -> None:
    """Show a server and its tools."""
    async with operator_bus() as bus:
        found = await bus.request(_verb("get"), McpServerRef(name=name), McpServerRecord, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    say(f"{found.name} ({found.transport}) is {found.status}{f': {found.reason}' if found.reason else ''}")
    rows = [(tool.name, " ".join(tool.description.split())[:100]) for tool in found.tools]
    print_table(("Tool", "What it does"), rows, "It has told of no tools.")


@app.command()
@command
async def remove(name: Named) -> None:
    """Forget a server. Nodes that name it fail from then on."""
    async with operator_bus() as bus:
        await bus.request(_verb("remove"), McpServerRef(name=name), NoReply, timeout=REQUEST_SECONDS)
    note(f"MCP server {name} is removed.")


def _load(file: Path) -> Any:
    """InvalidRequest for what cannot be read; its words have nothing of the content."""
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise InvalidRequest(f"{file} is not JSON.") from None
