"""`hive agents benchmark` and `hive agents benchmarks`: have an agent measured, and see how fast it was each time."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import DeadlineExceeded
from bus.messages import AgentEvent, EventType
from bus.messages.benchmarks import (
    MOST_BENCHMARKS,
    AgentBenchmark,
    BenchmarkAgent,
    BenchmarkList,
    BenchmarkStatus,
    ListBenchmarks,
)
from deploy.cli.command import Json, command
from deploy.cli.connection import REQUEST_SECONDS, operator_bus
from deploy.cli.screen import local_second, note, print_facts, print_json, print_table

if TYPE_CHECKING:
    from bus.client import Bus, Received

MOST_SECONDS = 900.0
LOOK_SECONDS = 5.0
"""Whoever waits for an event also looks: one may be lost."""
AgentArgument = Annotated[str, typer.Argument(help="As `hive agents` shows it.", metavar="AGENT")]


@command
async def benchmark(
    agent_id: AgentArgument,
    model: Annotated[str | None, typer.Option(help="Left out: what a task without a model would get there.")] = None,
    warm: Annotated[bool, typer.Option("--warm", help="Leave the model in memory; its load is then not measured.")] = False,
    wait: Annotated[bool, typer.Option(help="Show each step until the end.")] = True,
    as_json: Json = False,
) -> None:
    """Measure how fast an agent is. It must have nothing to do, and gives way to tasks."""
    try:
        wish = BenchmarkAgent(agent_id=agent_id, model=model, reload=not warm)
    except ValidationError as error:
        raise explain(error) from None
    async with operator_bus() as bus:
        steps = await _steps(bus, agent_id)
        verb = subjects.service_verb(subjects.SERVICE_AGENTS, "benchmark")
        found = await bus.request(verb, wish, AgentBenchmark, timeout=REQUEST_SECONDS)
        if wait:
            found = await _ended(bus, steps, found)
    if as_json:
        print_json(found)
    else:
        print_facts(_facts(found))
    if found.status in (BenchmarkStatus.FAILED, BenchmarkStatus.INTERRUPTED):
        raise typer.Exit(1)


async def _steps(bus: "Bus", agent_id: str) -> "asyncio.Queue[AgentBenchmark]":
    """Of the agent, as they are announced from now on."""
    steps: asyncio.Queue[AgentBenchmark] = asyncio.Queue()

    async def hear(received: "Received") -> None:
        if (step := received.decode(AgentEvent).data.benchmark) is not None:
            steps.put_nowait(step)

    await bus.subscribe(subjects.event(subjects.DEFAULT_TENANT, EventType.AGENT_PERFORMANCE_UPDATE, agent_id), hear)
    await bus.flush()
    return steps


async def _ended(bus: "Bus", steps: "asyncio.Queue[AgentBenchmark]", begun: AgentBenchmark) -> AgentBenchmark:
    """DeadlineExceeded."""
    try:
        async with asyncio.timeout(MOST_SECONDS):
            while True:
                step = await _next(bus, steps, begun)
                if step.id != begun.id:
                    continue
                if step.status is not BenchmarkStatus.RUNNING:
                    return step
                if step.step:
                    note(f"{step.progress * 100:3.0f} %  {step.step}")
    except TimeoutError:
        raise DeadlineExceeded(f"It has not ended within {MOST_SECONDS:g} s. See `hive agents benchmarks`.") from None


async def _next(bus: "Bus", steps: "asyncio.Queue[AgentBenchmark]", begun: AgentBenchmark) -> AgentBenchmark:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await steps.get()
    except TimeoutError:
        known = (await _list(bus, ListBenchmarks(agent_id=begun.agent_id))).benchmarks
        return next((each for each in known if each.id == begun.id), begun)


async def _list(bus: "Bus", asked: ListBenchmarks) -> BenchmarkList:
    verb = subjects.service_verb(subjects.SERVICE_AGENTS, "benchmarks")
    return await bus.request(verb, asked, BenchmarkList, timeout=REQUEST_SECONDS)


@command
async def benchmarks(
    agent_id: AgentArgument,
    limit: Annotated[int, typer.Option(min=1, max=MOST_BENCHMARKS, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show an agent's measurements, newest first."""
    try:
        asked = ListBenchmarks(agent_id=agent_id, limit=limit)
    except ValidationError as error:
        raise explain(error) from None
    async with operator_bus() as bus:
        found = await _list(bus, asked)
    if as_json:
        print_json(found)
        return
    columns = ("When", "Model", "State", "Load", "First token", "Reads", "Writes", "At once", "Why")
    print_table(columns, [_row(each) for each in found.benchmarks], f"{agent_id} has not been measured yet.")


def _row(found: AgentBenchmark) -> tuple[object, ...]:
    running = found.status is BenchmarkStatus.RUNNING
    status = f"{found.status}, {found.progress * 100:.0f} %" if running else found.status
    load, first = _seconds(found.load_seconds), _seconds(found.time_to_first_token_seconds)
    reads, writes = _rate(found.prompt_tokens_per_second), _rate(found.generation_tokens_per_second)
    return local_second(found.started_at), found.model, status, load, first, reads, writes, _parallel(found), found.error


def _facts(found: AgentBenchmark) -> list[tuple[str, str]]:
    facts = [
        ("model", found.model),
        ("state", f"{found.status}: {found.error}" if found.error else str(found.status)),
        ("load", _seconds(found.load_seconds)),
        ("first token", _seconds(found.time_to_first_token_seconds)),
        ("reads", _rate(found.prompt_tokens_per_second)),
        ("writes", _rate(found.generation_tokens_per_second)),
        ("at once", _parallel(found)),
    ]
    return [(name, value) for name, value in facts if value]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} tokens/s"


def _parallel(found: AgentBenchmark) -> str:
    """Tokens per second of all together, by how many at once; the number that is worth it."""
    rates = ", ".join(f"{number}: {rate:.0f}" for number, rate in sorted(found.parallel_tokens_per_second.items()))
    return f"{rates} (best {found.slots})" if rates else ""
