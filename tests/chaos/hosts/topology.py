"""A hive on many hosts: the bus on three of them, every replica on one of its own, PostgreSQL and Valkey on one, and a site behind NAT."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import httpx

from bus import subjects
from bus.identities import admission_seed
from bus.messages.joining import CreateJoinToken, IssuedJoinToken
from bus.settings import HiveSettings
from deploy.local.launch import Launch
from tests.chaos.doors import Doors
from tests.chaos.hosts import servers
from tests.chaos.topology import KEY, Topology, count, end, end_server
from tests.parts.nats import SYS_PASSWORD
from tests.parts.network import CLIENT, NETWORK, Host, Network, Site
from tests.parts.replica import HIVE, Replica
from tests.parts.server import Server
from tests.parts.small_disk import SmallDisk, small_disk

API_PORT, BACKEND_PORT = 8420, 9000
SLOTS = 24
"""As in chaos on one machine: others have room for the work of a host that dies, so that its time is that of its death being known."""
CONNECT_SECONDS = 1.5
"""After which whoever balances load takes the other gateway: SYNs that are lost are sent again after one."""
JOIN_AGAIN_SECONDS: Final = 0.5
"""While no gateway answers yet: each try is a process."""
FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
_ADDRESSES: Final = {"nats": 11, "coordinator": 21, "gateway": 31, "workflow": 41, "sidecar": 51}
BUS: Final = ("nats-1", "nats-2", "nats-3")
STORE, SITE = "store", "sidecar-3"
CLOCKED: Final = ("coordinator-1", "coordinator-2", "gateway-1", "workflow-1", "sidecar-1")
"""Where a clock can jump: all that lead or may, and one of each other kind."""
DISKS: Final = {"postgres": 400, "nats-3": 128, "sidecar-2": 8}
"""Megabytes."""


class HostReplica(Replica):
    """On a host, which may have been switched off and on in between."""

    def __init__(self, name: str, host: Host | Site, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        super().__init__(name, tuple(command), environment, log)
        self._host, self._command, self._environment = host, tuple(command), environment

    def start(self) -> None:
        self._launch = Launch(name=self.name, command=self._host.inside(*self._command), environment=self._environment)
        super().start()

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        assert self.process is not None
        return self.process.wait()


class ManyHosts(Topology):
    """`hosts` by name: those of the bus are `nats-1` to `nats-3`, of replicas those of the replicas, and `store`.

    `clocks`: whether those of CLOCKED have a clock that can jump (libfaketime). `small`: whether what is in `DISKS` lies on
    a small disk of its own (`disks`, by name), which is memory: what is synced there costs nothing.
    """

    counts: ClassVar[Mapping[str, int]] = {"coordinator": 2, "gateway": 2, "workflow": 2, "sidecar": 3}
    ready_seconds: ClassVar[float] = 120

    def __init__(self, folder: Path, postgres_folder: Path, *, clocks: bool = False, small: bool = False) -> None:
        self.hosts, self.disks = _hosts(folder), dict[str, SmallDisk]()
        self._clocks, self._small, self._postgres_folder = clocks, small, postgres_folder
        super().__init__(folder, postgres_folder)
        data = servers.HostPostgres(postgres_folder / "data", address=self.hosts[STORE].address)
        cache = servers.HostValkey(folder=folder / "valkey", address=self.hosts[STORE].address)
        self._database_url, self._cache_url = data.address_url, cache.address_url
        self.servers |= {
            "postgres": Server(servers.Inside(data, self.hosts[STORE]), postgres_folder / "postgres.log"),
            "valkey": Server(servers.Inside(cache, self.hosts[STORE]), folder / "valkey.log"),
        }

    def _bus_servers(self) -> dict[str, Server]:
        site = self.hosts[SITE]
        assert isinstance(site, Site)
        found = servers.cluster([self.bus_host(name) for name in BUS], self.folder)
        return {**found, "leaf": servers.leaf(site, [self.bus_host(name) for name in BUS], self.folder)}

    def bus_host(self, name: str) -> Host:
        found = self.hosts[name]
        assert isinstance(found, Host)
        return found

    def _bus_settings(self) -> HiveSettings:
        return servers.bus_settings([self.hosts[name].address for name in BUS])

    async def _bus_environment(self, service: str, name: str) -> dict[str, str]:
        """The site's host is told nothing: it joins."""
        if name == SITE:
            return {}
        return {"NATS_URL": servers.bus_url([self.hosts[each].address for each in BUS], service)}

    async def _start(self) -> None:
        self._stack.enter_context(Network())
        for host in self.hosts.values():
            self._stack.callback(_off, host)
            host.power_on()
        if self._small:
            lies = {
                "postgres": self._postgres_folder,
                "nats-3": self.folder / "nats-3" / "store",
                "sidecar-2": self.folder / "sidecar-2",
            }
            for name, folder in lies.items():
                self.disks[name] = self._stack.enter_context(small_disk(folder, DISKS[name]))
        await super()._start()

    async def _admit(self) -> None:
        """The host of the site joins, as people have it join, once a gateway answers there."""
        verb = subjects.service_verb(subjects.SERVICE_JOIN_TOKENS, "create")
        token = (
            await self.bus.request(verb, CreateJoinToken(name="the site"), IssuedJoinToken, timeout=self.ready_seconds)
        ).token
        site = self.hosts[SITE]
        assert isinstance(site, Site)
        words = (str(HIVE), "join", token, "--url", self.gateways[0], "--name", SITE, "--bus", servers.site_url(site))
        joining = HostReplica("joining", site, words, {"HIVE_DATA_DIR": str(self.folder / SITE)}, self.folder / "joining.log")
        self._stack.callback(end, joining)
        async with asyncio.timeout(self.ready_seconds):
            joining.start()
            while await asyncio.to_thread(joining.wait):
                await asyncio.sleep(JOIN_AGAIN_SECONDS)
                joining.start()
        self._run(self._joins)

    async def _replicas(self) -> list[Replica]:
        found: list[Replica] = []
        for name in self.names("sidecar"):
            backend = (sys.executable, "-m", "tests.chaos.backend", str(BACKEND_PORT), str(self.generations), "several")
            number = name.removeprefix("sidecar-")
            found.append(HostReplica(f"backend-{number}", self.hosts[name], backend, {}, self.folder / f"backend-{number}.log"))
        for service in self.counts:
            for name in self.names(service):
                environment = await self._environment(service, name)
                command = (str(HIVE), "run", service)
                found.append(HostReplica(name, self.hosts[name], command, environment, self.folder / f"{name}.log"))
        [self._joins] = [replica for replica in found if replica.name == SITE]
        return [replica for replica in found if replica is not self._joins]

    async def _environment(self, service: str, name: str) -> dict[str, str]:
        (self.folder / name).mkdir(exist_ok=True)
        own = {
            "HIVE_DATA_DIR": str(self.folder / name),
            "HIVE_LOG_FORMAT": "json",
            **await self._bus_environment(service, name),
        }
        stores = {"HIVE_DATABASE_URL": self._database_url, "HIVE_REDIS_URL": self._cache_url}
        match service:
            case "coordinator":
                own |= stores | {"HIVE_ADMIN_KEY": KEY, "HIVE_NATS_ADMISSION_SEED": admission_seed(SYS_PASSWORD)}
            case "gateway":
                self.gateways.append(f"http://{self.hosts[name].address}:{API_PORT}")
                own |= {
                    "HIVE_HOST": self.hosts[name].address,
                    "HIVE_API_PORT": str(API_PORT),
                    "HIVE_RATE_LIMITS": '{"api.executions.start": {"admin": null}}',
                    "HIVE_REDIS_URL": self._cache_url,
                }
            case "workflow":
                own |= stores | {"HIVE_WORKFLOW_ALLOW_INTERNAL": f'["{CLIENT}/32"]'}
            case "sidecar":
                own |= {"HIVE_BACKENDS": f"{name}=http://127.0.0.1:{BACKEND_PORT}/{name}?slots={SLOTS}"}
        return own | (self._clock(name) if self._clocks and name in CLOCKED else {})

    def _clock(self, name: str) -> dict[str, str]:
        """The wall clock is a file's; the monotonic one stays, as it does when somebody sets a host's clock."""
        self.set_clock(name, 0)
        return {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / f"{name}.clock"),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set_clock(self, name: str, seconds: int) -> None:
        """Off by so much from the machine's."""
        (self.folder / f"{name}.clock").write_text(f"{seconds:+d}\n")

    def doors(self, *, fresh: bool = True) -> Doors:
        return Doors(self.gateways, KEY, fresh=fresh, connect_seconds=CONNECT_SECONDS)

    async def _missing(self, http: httpx.AsyncClient) -> str:
        if missing := await super()._missing(http):
            return missing
        engines = await count(self.bus, subjects.SERVICE_WORKFLOWS)
        return "" if engines == self.counts["workflow"] else f"{engines} workflow engines serve"

    def on(self, host: str) -> tuple[list[Replica], list[Server]]:
        """What runs on a host."""
        number = host.removeprefix("sidecar-")
        replicas = [self.replicas[name] for name in (host, f"backend-{number}") if name in self.replicas]
        names = {STORE: ("postgres", "valkey"), SITE: ("leaf",)}.get(host, (host,))
        return replicas, [self.servers[name] for name in names if name in self.servers]

    def power_off(self, host: str) -> None:
        """It vanishes: the cable is out before anything ends, so nobody is told."""
        self.hosts[host].unplug()
        replicas, found = self.on(host)
        for replica in replicas:
            end(replica)
        for server in found:
            end_server(server)
        self.hosts[host].power_off()

    async def power_on(self, host: str) -> None:
        self.hosts[host].power_on()
        replicas, found = self.on(host)
        await asyncio.gather(*(server.come_up() for server in found))
        for replica in replicas:
            replica.start()


def _off(host: Host | Site) -> None:
    if host.on:
        host.power_off()


def _hosts(folder: Path) -> dict[str, Host | Site]:
    subnet = NETWORK.rpartition(".")[0]
    found: dict[str, Host | Site] = {STORE: Host(STORE, f"{subnet}.10", folder)}
    for kind, first in _ADDRESSES.items():
        for number in range(1, 4 if kind in ("nats", "sidecar") else 3):
            name, address = f"{kind}-{number}", f"{subnet}.{first + number - 1}"
            found[name] = Site(name, address, folder) if name == SITE else Host(name, address, folder)
    return found
