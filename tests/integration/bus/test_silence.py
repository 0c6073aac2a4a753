"""A host that vanishes says nothing, not even that it is gone: whoever waits for its server notices within seconds and goes on with another."""

import asyncio
from pathlib import Path
from time import monotonic

import pytest

from bus.database import AWAY, open_connection, open_pool
from bus.nats_bus import NatsBus
from tests.chaos.hosts import servers
from tests.chaos.topology import end_server
from tests.conftest import folder_for_others
from tests.parts.network import Host, Network, missing
from tests.parts.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]
NOTICED_SECONDS = 9


async def test_postgresql(tmp_path: Path) -> None:
    """Both who asks, and who had given up asking and gives the connection back to its pool."""
    with Network(), folder_for_others("silence") as folder:
        host = Host("store", "10.77.0.10", tmp_path)
        host.power_on()
        postgres = servers.HostPostgres(folder / "data", address=host.address)
        server = Server(servers.Inside(postgres, host), folder / "postgres.log")
        try:
            await server.come_up()
            connection, pool = await open_connection(postgres.address_url), await open_pool(postgres.address_url, 2)
            host.unplug()
            began = monotonic()
            asking = asyncio.create_task(connection.fetchval("SELECT 1"))
            with pytest.raises(TimeoutError):
                await pool.fetchval("SELECT 1", timeout=0.5)
            with pytest.raises(AWAY):
                await asking
            assert monotonic() - began < NOTICED_SECONDS
            pool.terminate()
        finally:
            end_server(server)
            host.power_off()


async def test_a_server_of_the_bus(tmp_path: Path) -> None:
    with Network():
        hosts = [Host(f"nats-{number}", f"10.77.0.1{number}", tmp_path) for number in (1, 2, 3)]
        for host in hosts:
            host.power_on()
        found = servers.cluster(hosts, tmp_path)
        try:
            for server in found.values():
                server.launch()
            bus = await NatsBus.connect(servers.bus_settings([host.address for host in hosts]), "test", timeout=20)
            address = bus.client.connected_url
            assert address is not None
            next(host for host in hosts if host.address == address.hostname).unplug()
            async with asyncio.timeout(NOTICED_SECONDS):
                while bus.connections == 1:
                    await asyncio.sleep(0.05)
            await bus.close()
        finally:
            for server in found.values():
                end_server(server)
            for host in hosts:
                host.power_off()
