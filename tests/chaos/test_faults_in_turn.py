"""Each fault under load, one after the other, held against the times that are promised."""

import pytest

from tests.chaos.checker import judge
from tests.chaos.load import Load
from tests.chaos.nemesis import Fault, Kind, Nemesis
from tests.chaos.report import costs, table
from tests.chaos.topology import Topology

LONGER_THAN_ALLOWED = 6
"""Seconds: whoever waited for the end of the fault would be too late."""
ENDED = (Kind.KILL, Kind.RESTART)


async def test_work_of_a_killed_sidecar_and_of_a_silent_one_begins_elsewhere(
    topology: Topology, load: Load, nemesis: Nemesis
) -> None:
    async with load.on():
        for kind in (Kind.KILL, Kind.PAUSE, Kind.FREEZE):
            number = topology.names("sidecar").index(await load.busiest())
            await nemesis.strike(Fault(kind=kind, role="sidecar", seconds=LONGER_THAN_ALLOWED, number=number))
    history = await load.settle()
    verdict, found = judge(history), costs(history)
    print(f"{verdict}\n{table(history)}")
    assert not verdict.broken, verdict
    assert 0 < max(found["kill -9: sidecar"].again) < 2
    assert 0 < max(found["pause: sidecar"].again) < 5
    assert 0 < max(found["frozen off the bus: sidecar"].again) < 5


@pytest.mark.timeout(400)
async def test_a_coordinator_that_dies_or_hangs_holds_up_dispatch_for_less_than_5_s(load: Load, nemesis: Nemesis) -> None:
    async with load.on():
        await load.flows()
        for kind in (Kind.KILL, Kind.RESTART, Kind.PAUSE, Kind.CUT, Kind.FREEZE, Kind.CUT_DATABASE, Kind.FREEZE_DATABASE):
            await nemesis.strike(Fault(kind=kind, role="leader", seconds=1 if kind in ENDED else LONGER_THAN_ALLOWED))
    history = await load.settle()
    verdict, found = judge(history), costs(history)
    print(f"{verdict}\n{table(history)}")
    assert not verdict.broken, verdict
    slow = {title: cost.longest_gap for title, cost in found.items() if cost.longest_gap >= 5}
    assert not slow


@pytest.mark.timeout(400)
async def test_the_kill_of_any_server_is_survived(load: Load, nemesis: Nemesis) -> None:
    async with load.on():
        await load.flows()
        for role in ("gateway", "standby", "nats", "postgres", "valkey", "monitor"):
            await nemesis.strike(Fault(kind=Kind.KILL, role=role, seconds=1))
    history = await load.settle()
    verdict = judge(history)
    print(f"{verdict}\n{table(history)}")
    assert not verdict.broken, verdict
