"""How the servers of a hive on many hosts are started: the bus as a cluster and the leaf of a site, PostgreSQL and Valkey, each at an address.

The one place that knows their configuration and who may log in.
"""

import http.client
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bus.identities import password_of
from bus.permissions import OPERATOR
from bus.settings import HiveSettings
from deploy.local.launch import Launch, Part
from deploy.local.nats import Nats, nats_conf
from deploy.local.postgres import DATABASE, ROLE, Postgres
from deploy.local.valkey import Valkey
from tests.parts.leaf import CONFIGURATIONS, LeafNats
from tests.parts.nats import SYS_PASSWORD
from tests.parts.nats_cluster import CONFIGURATION
from tests.parts.network import NETWORK, Host, Site
from tests.parts.server import Server

PORT: Final = 4222
_HUB: Final = CONFIGURATIONS / "hub-cluster.conf"
_MONITOR_PORT, _WEBSOCKET_PORT, _CLUSTER_PORT, _LEAF_PORT = 8222, 9222, 6222, 7422
_PASSWORD, _ROUTE_PASSWORD = "test-bus-password", "test-route-password"


def bus_url(addresses: Sequence[str], user: str = OPERATOR) -> str:
    """`user`: one of bus.permissions.ROOMS, or who may do everything."""
    password = _PASSWORD if user == OPERATOR else password_of(SYS_PASSWORD, user)
    return ",".join(f"nats://{user}:{password}@{address}:{PORT}" for address in addresses)


def site_url(site: Site) -> str:
    """Of the leaf, for hosts that come in by their own key."""
    return f"nats://{site.address}:{PORT}"


def bus_settings(addresses: Sequence[str]) -> HiveSettings:
    return HiveSettings(nats_url=SecretStr(bus_url(addresses)))


@dataclass(frozen=True, kw_only=True)
class HostNats(Nats):
    """A server on a host. `more`: variables beside those of nats.conf. Its status pages are at its address, where the test is."""

    more: tuple[tuple[str, str], ...] = ()

    def environment(self) -> dict[str, str]:
        return super().environment() | {"HIVE_NATS_MONITOR_ADDRESS": f"{self.host}:{self.monitor_port}"} | dict(self.more)

    def ready(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.monitor_port, timeout=0.5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Inside:
    """A server on a host. Its user is changed to inside, since only root may enter."""

    def __init__(self, part: Part, host: Host | Site) -> None:
        self.part, self._host = part, host

    @property
    def name(self) -> str:
        return self.part.name

    def prepare(self) -> None:
        self.part.prepare()

    def launch(self) -> Launch:
        launch = self.part.launch()
        command = launch.command
        if launch.user is not None:
            uid, gid = launch.user
            command = ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--pdeathsig=KILL", *command)
        return replace(launch, command=self._host.inside(*command), user=None)

    def ready(self) -> bool:
        return self.part.ready()


def cluster(hosts: Sequence[Host], folder: Path) -> dict[str, Server]:
    """One server on each of them, which takes in leaves: as deploy/leaf has it."""
    routes = json.dumps([f"nats-route://hive:{_ROUTE_PASSWORD}@{host.address}:{_CLUSTER_PORT}" for host in hosts])
    return {host.name: _member(host, folder / host.name, routes) for host in hosts}


def _member(host: Host, folder: Path, routes: str) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    for configuration in (nats_conf(), CONFIGURATION, _HUB):
        shutil.copy(configuration, folder)
    more = {
        "HIVE_NATS_NAME": host.name,
        "HIVE_NATS_CLUSTER_ADDRESS": f"{host.address}:{_CLUSTER_PORT}",
        "HIVE_NATS_CLUSTER_PASSWORD": _ROUTE_PASSWORD,
        "HIVE_NATS_ROUTES": routes,
    }
    nats = HostNats(
        name=host.name,
        folder=folder / "store",
        host=host.address,
        port=PORT,
        monitor_port=_MONITOR_PORT,
        websocket_port=_WEBSOCKET_PORT,
        password=_PASSWORD,
        sys_password=SYS_PASSWORD,
        configuration=folder / _HUB.name,
        leaf_port=_LEAF_PORT,
        more=tuple(more.items()),
    )
    return Server(Inside(nats, host), folder / "nats.log")


def leaf(site: Site, hubs: Sequence[Host], folder: Path) -> Server:
    """The server of a site, which only dials out, and which nobody outside can ask how it is: as deploy/leaf has it."""
    nats = LeafNats(
        name=site.name,
        folder=folder / "leaf",
        host=site.address,
        port=PORT,
        monitor_port=0,
        websocket_port=0,
        password="",
        sys_password="",
        hubs=tuple(f"{hub.address}:{_LEAF_PORT}" for hub in hubs),
        watched=False,
    )
    return Server(Inside(nats, site), folder / "leaf" / "nats.log")


@dataclass(frozen=True)
class HostPostgres(Postgres):
    """Whoever reaches it is trusted: only these hosts can."""

    address: str = ""

    @property
    def address_url(self) -> str:
        return f"postgresql://{ROLE}@{self.address}/{DATABASE}?sslmode=disable"

    def launch(self) -> Launch:
        rules = self.folder.with_name("pg_hba.conf")
        rules.write_text(f"local all all trust\nhost all all {NETWORK} trust\n")
        rules.chmod(0o644)
        launch = super().launch()
        options = (f"--listen_addresses={self.address}", f"--hba_file={rules}")
        return replace(launch, command=(*launch.command, *options))


@dataclass(frozen=True, kw_only=True)
class HostValkey(Valkey):
    address: str

    @property
    def address_url(self) -> str:
        return f"redis://{self.address}:6379/0"

    def launch(self) -> Launch:
        launch = super().launch()
        options = ("--port", "6379", "--bind", self.address, "--protected-mode", "no")
        return replace(launch, command=(*launch.command, *options))
