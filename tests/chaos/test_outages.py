"""What DESIGN says of servers that are away and streams that are full: submits are acknowledged up to the bound, and all of them complete."""

import asyncio
import itertools
import os
from time import monotonic

import pytest
from nats.js.api import StreamConfig

from bus import streams, subjects
from tests.chaos.checker import judge
from tests.chaos.doors import Doors, Failed
from tests.chaos.history import Acknowledged, Entry, FaultBegan, FaultHealed, GenerationBegan, GenerationEnded, Log, of
from tests.chaos.load import Load
from tests.chaos.nemesis import Fault, Kind, Nemesis
from tests.chaos.report import table
from tests.chaos.topology import Topology

AWAY_SECONDS = float(os.environ.get("HIVE_CHAOS_AWAY_SECONDS", "20"))
FULL_BYTES = 256 * 1024
OF_THE_DATABASE = {"submit: database_unavailable", "submit: no_leader"}


@pytest.mark.timeout(AWAY_SECONDS * 2 + 300)
async def test_while_postgresql_is_away_submits_are_acknowledged_and_all_complete_after_it(
    load: Load, nemesis: Nemesis
) -> None:
    async with load.on():
        await load.flows()
        await nemesis.strike(Fault(kind=Kind.KILL, role="postgres", seconds=AWAY_SECONDS))
    history = await load.settle()
    verdict = judge(history)
    print(f"{verdict}\n{table(history)}")
    assert not verdict.broken, verdict
    assert not OF_THE_DATABASE & verdict.failed_requests.keys(), "a submit needs the bus alone"
    away = during(history)
    assert len(of(away, Acknowledged)) > AWAY_SECONDS, "submits were not acknowledged"
    begun_before = {(begun.name, begun.number) for begun in of(history, GenerationBegan) if begun.at < away[0].at}
    went_on = [end for end in of(away, GenerationEnded) if (end.name, end.number) in begun_before]
    assert went_on
    assert all(end.whole for end in went_on), "running work was stopped"


@pytest.mark.timeout(300)
async def test_while_redis_is_away_nothing_stops(load: Load, nemesis: Nemesis) -> None:
    async with load.on():
        await load.flows()
        await nemesis.strike(Fault(kind=Kind.KILL, role="valkey", seconds=5))
        await nemesis.strike(Fault(kind=Kind.PAUSE, role="valkey", seconds=5))
    history = await load.settle()
    verdict = judge(history)
    print(f"{verdict}\n{table(history)}")
    assert not verdict.broken, verdict
    assert not verdict.failed_requests, verdict


@pytest.mark.timeout(300)
async def test_a_full_stream_refuses_with_a_code_and_what_it_took_before_completes(
    topology: Topology, load: Load, nemesis: Nemesis
) -> None:
    """Both the stream of tasks and that of reports, while nobody empties them since PostgreSQL is away."""
    for name in (subjects.TASKS, subjects.OUTCOMES):
        await limit(topology, name, FULL_BYTES)
    doors = topology.doors()
    async with load.on():
        await load.flows()
        topology.postgres.kill()
        refusal = await asyncio.wait_for(fill(doors, load.log), 60)
        await topology.postgres.come_up()
        await topology.ready()
    await doors.close()
    history = await load.settle()
    verdict = judge(history)
    print(f"{verdict}\n{table(history)}")
    assert refusal == "queue_full"
    assert not verdict.broken, verdict


async def limit(topology: Topology, name: str, max_bytes: int) -> None:
    """The stream as it is declared, with room for less."""
    declared = next(config for config in streams.STREAMS if config.name == name)
    js = topology.bus.client.jetstream()
    await js.update_stream(StreamConfig.from_response(declared.as_dict() | {"max_bytes": max_bytes}))


async def fill(doors: Doors, log: Log) -> str:
    """Large tasks until one is refused, and with which code."""
    for number in itertools.count():
        op = f"large-{number}"
        body = {"prompt": f"{op} 5 0.01", "metadata": {"op": op, "ballast": "x" * 20_000}}
        try:
            answer = await doors.request("POST", "/api/tasks", json=body)
        except Failed as failed:
            return str(failed)
        log.write(Acknowledged(op=op, task_id=answer.json()["id"], asked_at=monotonic(), tokens=5))
    raise AssertionError


def during(history: list[Entry]) -> list[Entry]:
    """What happened while the fault lasted."""
    [began], [healed] = of(history, FaultBegan), of(history, FaultHealed)
    return sorted((entry for entry in history if began.at <= entry.at <= healed.at), key=lambda entry: entry.at)
