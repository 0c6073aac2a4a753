"""Every service is restarted in turn under load, as an upgrade does it, and no client's request fails within its deadline."""

import os
from pathlib import Path

import pytest

from tests.chaos.checker import judge
from tests.chaos.history import Streamed, of
from tests.chaos.load import Load
from tests.chaos.nemesis import Fault, Kind, Nemesis
from tests.chaos.report import costs, table
from tests.chaos.topology import REPLICAS, Topology
from tests.parts.hive import HIVE


@pytest.fixture
def first() -> Path:
    """HIVE_CHAOS_FROM: the `hive` of another release, in an environment of its own; the restart is then an upgrade from it to this one."""
    return Path(os.environ.get("HIVE_CHAOS_FROM", HIVE))


@pytest.mark.timeout(400)
async def test_a_rolling_restart_of_every_service_fails_no_request(topology: Topology, load: Load, nemesis: Nemesis) -> None:
    for name in topology.replicas:
        assert len(topology.processes(name)) == 1, f"{name} is not the one process that was started"
    order = ["standby", "leader", *(role for role in ("gateway", "sidecar", "monitor") for _ in range(REPLICAS[role]))]
    async with load.on():
        await load.flows()
        for number, role in enumerate(order):
            await nemesis.strike(Fault(kind=Kind.RESTART, role=role, seconds=0, number=number))
    history = await load.settle()
    verdict = judge(history)
    print(f"{verdict}\n{table(history)}")
    assert not verdict.broken, verdict
    assert not verdict.failed_requests, verdict
    assert max(stream.connections for stream in of(history, Streamed)) > 1, "no stream was resumed, so none was tried"
    assert max(cost.longest_gap for cost in costs(history).values()) < 5
