"""Each fault under load, one after the other, held against the times that are promised."""

from tests.chaos.checker import judge
from tests.chaos.load import Load
from tests.chaos.nemesis import Fault, Kind, Nemesis
from tests.chaos.report import costs, table
from tests.chaos.topology import Topology


async def test_work_of_a_killed_sidecar_and_of_a_silent_one_begins_elsewhere(topology: Topology, load: Load) -> None:
    nemesis = Nemesis(topology, load.log)
    async with load.on():
        for number, kind in enumerate((Kind.KILL, Kind.PAUSE, Kind.FREEZE)):
            await load.busy(topology.names("sidecar")[number])
            await nemesis.strike(Fault(kind=kind, role="sidecar", seconds=6, number=number))
    history = await load.settle()
    verdict, found = judge(history), costs(history)
    print(f"{verdict}\n{table(history)}")
    assert not verdict.broken, verdict
    assert 0 < max(found["kill -9: sidecar"].again) < 2
    assert 0 < max(found["pause: sidecar"].again) < 5
    assert 0 < max(found["frozen off the bus: sidecar"].again) < 5
