"""A hive whose bus is a cluster of three servers: each of them is killed under load, and nothing that was acknowledged is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import psutil
import pytest
from nats.errors import Error as NatsError

from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from bus.streams import BUCKETS, STREAMS
from tests.chaos.checker import judge
from tests.chaos.load import Load
from tests.chaos.nemesis import Fault, Kind, Nemesis
from tests.chaos.report import gaps, table
from tests.chaos.topology import Topology
from tests.conftest import folder_for_others
from tests.parts.nats_cluster import SIZE, NatsCluster
from tests.parts.server import Server

MOST_GAP_SECONDS = 10.0
"""Without dispatch, while the cluster finds new leaders for what the server led that died."""


class Clustered(Topology):
    """Every process knows all servers, as a client of a cluster does."""

    def _bus_servers(self) -> dict[str, Server]:
        self._cluster = NatsCluster(self.folder / "cluster")
        return {**self._cluster.servers}

    def _bus_settings(self) -> HiveSettings:
        return self._cluster.settings()

    async def _bus_environment(self, service: str, name: str) -> dict[str, str]:
        return {"NATS_URL": self._cluster.url_of(service)}

    async def ready(self) -> None:
        """With three copies of what is kept on three: of a server that is still catching up nobody can say that another one may be spared."""
        await super().ready()
        bus = await NatsBus.connect(self._bus_settings(), "looker", timeout=30)
        async with asyncio.timeout(60):
            for config in (*STREAMS, *BUCKETS):
                while not await _whole(bus, str(config.name)):
                    await asyncio.sleep(0.1)
        await bus.close()


async def _whole(bus: NatsBus, stream: str) -> bool:
    try:
        found = (await bus.client.jetstream(timeout=1).stream_info(stream)).cluster
    except (NatsError, TimeoutError):
        return False
    return found is not None and bool(found.leader) and all(each.current and not each.offline for each in found.replicas or ())


@pytest.fixture
async def clustered(tmp_path: Path) -> AsyncIterator[Clustered]:
    before = set(psutil.Process().children(recursive=True))
    with folder_for_others("chaos") as folder:
        async with Clustered(tmp_path, folder / "postgres") as found:
            yield found
        left = set(psutil.Process().children(recursive=True)) - before
        assert not left, f"left behind: {left}"


@pytest.mark.timeout(300)
async def test_each_server_of_the_bus_is_killed_and_nothing_acknowledged_is_lost(clustered: Clustered) -> None:
    load = Load(clustered, Random(1))
    nemesis = Nemesis(clustered, load.log)
    async with load.on():
        await load.flows()
        for number in range(1, SIZE + 1):
            await nemesis.strike(Fault(kind=Kind.KILL, role=f"nats-{number}", seconds=4))
        await nemesis.strike(Fault(kind=Kind.PAUSE, role="nats-1", seconds=6))
    history = await load.settle()
    load.log.close()
    verdict = judge(history)
    print(f"{verdict}\n{table(history)}")
    assert not verdict.broken, verdict
    assert max(gap.seconds for gap in gaps(history)) < MOST_GAP_SECONDS
