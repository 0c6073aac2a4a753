"""The network of hosts is what it says: slow where it is slow, silent where the cable is out, and closed from outside where it is a site."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from deploy.local.launch import Launch, start
from tests.parts.network import Host, Network, Site, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
PORT = 8000
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


@pytest.fixture
def network(tmp_path: Path) -> Iterator[tuple[Host, Site]]:
    """A host and a site, each with a server."""
    with Network():
        host, site = Host("host", "10.77.0.11", tmp_path), Site("site", "10.77.0.30", tmp_path)
        serving = []
        for each in (host, site):
            each.power_on()
            command = each.inside(sys.executable, "-m", "http.server", str(PORT), "--bind", each.address)
            serving.append(start(Launch(name="server", command=command), tmp_path / "server.log"))
        assert took(host) < 5
        yield host, site
        for server in serving:
            server.kill()
            server.wait()
        for each in (host, site):
            each.power_off()


def took(host: Host) -> float:
    """Seconds until a connection is open, from when the server listens."""
    deadline = monotonic() + 20
    while monotonic() < deadline:
        began = monotonic()
        try:
            socket.create_connection((host.address, PORT), 5).close()
            return monotonic() - began
        except ConnectionRefusedError:
            continue
    raise AssertionError("nothing listens")


def reaches(host: Host | Site, address: str) -> bool:
    return subprocess.run(host.inside(sys.executable, "-c", CONNECT, address, str(PORT)), capture_output=True).returncode == 0


def test_a_slow_host_and_one_whose_cable_is_out(network: tuple[Host, Site]) -> None:
    host, _ = network
    host.slow(0.2, 0)
    until = monotonic() + 20
    while took(host) < 0.2:  # from when the device is there
        assert monotonic() < until
    host.heal()
    while took(host) >= 0.2:
        assert monotonic() < until
    host.unplug()
    with pytest.raises(OSError, match=r"timed out|No route"):
        socket.create_connection((host.address, PORT), 1)
    host.plug()
    assert took(host) < 5


def test_a_site_dials_out_and_nobody_dials_in(network: tuple[Host, Site]) -> None:
    host, site = network
    assert reaches(site, host.address)
    host.ip(f"route add {site.address}/32 via {site.router.address}")
    assert not reaches(host, site.address)


def test_who_is_apart_is_not_heard_and_others_are(network: tuple[Host, Site]) -> None:
    host, site = network
    host.apart([site.router])
    assert not reaches(site, host.address)
    assert took(host) < 5
    host.heal()
    site.router.heal()
    assert reaches(site, host.address)
