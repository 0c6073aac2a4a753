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
from tests.parts.nats_cluster import CONFIGURATION
from tests.parts.network import NETWORK, Host, Site
from tests.parts.server import Server

PORT: Final = 4222
_MONITOR_PORT, _WEBSOCKET_PORT, _CLUSTER_PORT, _LEAF_PORT = 8222, 9222, 6222, 7422
_PASSWORD, _SYS_PASSWORD, _ROUTE_PASSWORD = "test-bus-password", "test-sys-password", "test-route-password"
_HUB: Final = """include "nats-cluster.conf"
leafnodes {{ listen: "{address}:{port}" }}
"""
# What is asked of JetStream goes on to the cluster; and who came and went at the leaf is told there, by the second connection.
_LEAF: Final = """server_name: {name}
host: $HIVE_NATS_HOST
port: $HIVE_NATS_PORT
http: $HIVE_NATS_MONITOR_ADDRESS
max_payload: 8MB
ping_interval: "5s"
ping_max: 2
accounts {{
  HIVE {{ users: [ {{ user: hive, password: $HIVE_NATS_PASSWORD }} ] }}
  SYS {{ users: [ {{ user: sys, password: $HIVE_NATS_SYS_PASSWORD }} ] }}
}}
system_account: SYS
leafnodes {{
  reconnect: "1s"
  remotes: [
    {{ urls: {urls}, account: HIVE }}
    {{ urls: {sys_urls}, account: SYS }}
  ]
}}
"""


def bus_url(addresses: Sequence[str], user: str = OPERATOR) -> str:
    """`user`: one of bus.permissions.ROOMS, or who may do everything."""
    password = _PASSWORD if user == OPERATOR else password_of(_SYS_PASSWORD, user)
    return ",".join(f"nats://{user}:{password}@{address}:{PORT}" for address in addresses)


def bus_settings(addresses: Sequence[str]) -> HiveSettings:
    return HiveSettings(nats_url=SecretStr(bus_url(addresses)))


@dataclass(frozen=True, kw_only=True)
class HostNats(Nats):
    """A server on a host. `more`: variables beside those of nats.conf. Its status pages are at its address, where the test is."""

    more: tuple[tuple[str, str], ...] = ()
    watched: bool = True

    def environment(self) -> dict[str, str]:
        monitor = self.host if self.watched else "127.0.0.1"
        return super().environment() | {"HIVE_NATS_MONITOR_ADDRESS": f"{monitor}:{self.monitor_port}"} | dict(self.more)

    def ready(self) -> bool:
        if not self.watched:
            return True
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


def _nats(host: Host | Site, folder: Path, text: str, more: dict[str, str], *, watched: bool = True) -> Server:
    own = folder / host.name
    own.mkdir(parents=True, exist_ok=True)
    for configuration in (nats_conf(), CONFIGURATION):
        shutil.copy(configuration, own)
    configuration = own / "server.conf"
    configuration.write_text(text)
    nats = HostNats(
        name=host.name,
        folder=own / "store",
        host=host.address,
        port=PORT,
        monitor_port=_MONITOR_PORT,
        websocket_port=_WEBSOCKET_PORT,
        password=_PASSWORD,
        sys_password=_SYS_PASSWORD,
        configuration=configuration,
        more=tuple(more.items()),
        watched=watched,
    )
    return Server(Inside(nats, host), own / "nats.log")


def cluster(hosts: Sequence[Host], folder: Path) -> dict[str, Server]:
    """One server on each of them, which takes in leaves."""
    routes = json.dumps([f"nats-route://hive:{_ROUTE_PASSWORD}@{host.address}:{_CLUSTER_PORT}" for host in hosts])
    found = {}
    for host in hosts:
        more = {
            "HIVE_NATS_NAME": host.name,
            "HIVE_NATS_CLUSTER_ADDRESS": f"{host.address}:{_CLUSTER_PORT}",
            "HIVE_NATS_CLUSTER_PASSWORD": _ROUTE_PASSWORD,
            "HIVE_NATS_ROUTES": routes,
        }
        found[host.name] = _nats(host, folder, _HUB.format(address=host.address, port=_LEAF_PORT), more)
    return found


def leaf(site: Site, hubs: Sequence[Host], folder: Path) -> Server:
    """The server of a site, which only dials out, and which nobody outside can ask how it is."""
    urls, sys_urls = (
        json.dumps([f"nats-leaf://{user}:{password}@{hub.address}:{_LEAF_PORT}" for hub in hubs])
        for user, password in (("hive", _PASSWORD), ("sys", _SYS_PASSWORD))
    )
    return _nats(site, folder, _LEAF.format(name=site.name, urls=urls, sys_urls=sys_urls), {}, watched=False)


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
