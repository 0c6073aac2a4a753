"""`hive agents health`: how an agent was found each time that it was asked."""

from typing import Annotated

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.messages.health import MOST_CHECKS, AgentHealth, AgentHealthCheck, ListHealth
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_second, print_json, print_table, state


@command
async def health(
    agent_id: Annotated[str, typer.Argument(help="As `hive agents` shows it.", metavar="AGENT")],
    limit: Annotated[int, typer.Option(min=1, max=MOST_CHECKS, help="How many checks.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the last health checks of an agent, newest first."""
    try:
        asked = ListHealth(agent_id=agent_id, limit=limit)
    except ValidationError as error:
        raise explain(error) from None
    async with operator_bus() as bus:
        verb = subjects.service_verb(subjects.SERVICE_AGENTS, "health")
        found = await bus.request(verb, asked, AgentHealth, timeout=REQUEST_SECONDS)
    if as_json:
        print_json(found)
        return
    columns = ("When", "Available", "Answered in", "Tokens/s", "CPU", "Memory", "GPU", "Why not")
    print_table(columns, [_row(check) for check in found.history], f"{agent_id} has not been asked yet.")


def _row(check: AgentHealthCheck) -> tuple[object, ...]:
    answered = None if check.response_time is None else f"{check.response_time * 1000:.0f} ms"
    rate = None if check.tokens_per_second is None else f"{check.tokens_per_second:.1f}"
    usages = (None if usage is None else f"{usage:.0f} %" for usage in (check.cpu_usage, check.memory_usage, check.gpu_usage))
    available = state("ok" if check.available else "fail")
    return local_second(check.timestamp), available, answered, rate, *usages, check.error_message
