"""`hive agents`: the hosts, and adding one by its address alone."""

import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import JsonValue, TypeAdapter, ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import HiveError, InvalidRequest
from bus.messages import AddUpstream, AgentList, AgentRecord, AgentRef, Message, NoReply, Upstream
from deploy.cli.agent_benchmark import benchmark, benchmarks
from deploy.cli.agent_health import health
from deploy.cli.agent_orders import drain, label, resume
from deploy.cli.command import Json, command
from deploy.cli.connection import operator_bus
from deploy.cli.screen import local_time, print_json, print_table, say, state

ADD_SECONDS = 30.0
"""A host is asked for its models before it is added."""

app = typer.Typer(help="GPU hosts: list, add, remove.", invoke_without_command=True)


@app.callback()
def default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_agents(as_json=as_json)


app.command()(drain)
app.command()(resume)
app.command()(label)
app.command()(health)
app.command()(benchmark)
app.command()(benchmarks)


@app.command("list")
@command
async def list_agents(as_json: Json = False) -> None:
    """Show every agent: its state, its slots, its models."""
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_AGENTS, "list")
        found = await bus.request(verb, NoReply(), AgentList, timeout=10)
    if as_json:
        print_json(found)
        return
    columns = ("Agent", "State", "Running", "Models", "Backend", "Address", "Last seen")
    print_table(
        columns, [_row(agent) for agent in found.agents], "No agents yet. Add one: hive agents add http://gpu-host:11434"
    )


def _row(agent: AgentRecord) -> tuple[object, ...]:
    shown = state(agent.status)
    if agent.status_reason:
        shown.append(f" ({agent.status_reason})")
    models = ", ".join(f"{model.name}{'*' if model.loaded else ''}" for model in agent.models)
    slots = f"{agent.running}/{agent.slots}"
    return agent.agent_id, shown, slots, models, agent.backend, agent.endpoint, local_time(agent.last_seen)


class Added(Message):
    """What became of one address."""

    url: str
    upstream: Upstream | None = None
    error: str | None = None


@app.command()
@command
async def add(
    urls: Annotated[list[str] | None, typer.Argument(help="Such as http://gpu-host:11434.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A YAML list of addresses, or of upstreams with slots, labels ….")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="Holds the key that these addresses ask for; - reads it from standard input."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add hosts by their addresses; nothing is installed there.

    The local sidecar speaks for them: for Ollama, and for servers with OpenAI's API.
    """
    wishes = wished(urls or [], key_file) + (read_hosts(file) if file else [])
    if not wishes:
        raise InvalidRequest("No host was named. Give addresses, or a YAML list with -f.")
    verb = subjects.service_verb(subjects.SERVICE_UPSTREAMS, "add")
    results: list[Added] = []
    async with operator_bus() as bus:
        for wish in wishes:
            try:
                results.append(Added(url=wish.url, upstream=await bus.request(verb, wish, Upstream, timeout=ADD_SECONDS)))
            except HiveError as error:
                results.append(Added(url=wish.url, error=f"error [{error.code}]: {error.message}"))
    if as_json:
        print_json(TypeAdapter(list[Added]).dump_json(results, indent=2).decode())
    else:
        for added in results:
            name = added.upstream.agent_id if added.upstream else None
            say(f"{added.url}: {added.error or f'added as {name}'}", "red" if added.error else "")
    if any(added.error for added in results):
        raise typer.Exit(1)


@app.command()
@command
async def remove(agent_id: Annotated[str, typer.Argument(help="As `hive agents` shows it.")], as_json: Json = False) -> None:
    """Forget an agent.

    Where the local sidecar speaks for it, that stops doing so.
    """
    ref = checked_ref(agent_id)
    async with operator_bus() as bus:
        await bus.request(subjects.service_verb(subjects.SERVICE_AGENTS, "remove"), ref, NoReply, timeout=ADD_SECONDS)
    if as_json:
        print_json(ref)
    else:
        say(f"Removed {agent_id}.")


def checked_ref(agent_id: str) -> AgentRef:
    try:
        return AgentRef(agent_id=agent_id)
    except ValidationError as error:
        raise explain(error) from None


def wished(urls: list[str], key_file: Path | None) -> list[AddUpstream]:
    """InvalidRequest, in words, for what is no address or no key."""
    try:
        key = None if key_file is None else sys.stdin.read() if str(key_file) == "-" else key_file.read_text()
        return [AddUpstream.model_validate({"url": url, "key": key.strip() if key else None}) for url in urls]
    except OSError as error:
        raise InvalidRequest(f"{key_file} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        raise explain(error) from None


def read_hosts(file: Path) -> list[AddUpstream]:
    """InvalidRequest, in words, for what is no list of hosts. `hosts:` may stand above the list."""
    try:
        content: JsonValue = yaml.safe_load(file.read_text())
        listed = content.get("hosts") if isinstance(content, dict) else content
        if not isinstance(listed, list):
            raise InvalidRequest(f"{file} is not a list of hosts. Write one address a line, each after `- `.")
        return [AddUpstream.model_validate({"url": host} if isinstance(host, str) else host) for host in listed]
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{file} is not YAML: {' '.join(str(error).split())}.") from None
    except ValidationError as error:
        raise InvalidRequest(f"{file}: {explain(error).message}") from None
