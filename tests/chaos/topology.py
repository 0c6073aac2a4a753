"""One hive for chaos: embedded servers, replicas of every service by `hive run`, and a proxy of ours on each line that may break."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil

from bus import subjects
from bus.errors import HiveError
from bus.messages import AgentList, AgentStatus, ClusterStatus, NoReply
from bus.nats_bus import NatsBus
from bus.permissions import ROOMS
from bus.settings import HiveSettings
from deploy.local.ports import free_port
from deploy.local.postgres import SOCKET_NAME
from tests.chaos.backend import MODEL
from tests.chaos.doors import Doors
from tests.parts.nats import NatsServer, violations
from tests.parts.postgres import PostgresServer
from tests.parts.proxy import Proxy
from tests.parts.replica import HIVE, Replica
from tests.parts.server import Server
from tests.parts.valkey import ValkeyServer

KEY = "sk-hive-chaos-0123456789abcdef0123456789abcdef"
READY_SECONDS = 40
SLOTS = 24
KEEPALIVE_SECONDS = 5.0
"""What coordinator/store/database.py asks PostgreSQL to notice a dead client by; a unix socket has no such thing, so the proxy does it."""
STORES = ("postgres", "valkey")
REPLICAS = {"coordinator": 2, "gateway": 2, "sidecar": 3, "monitor": 1}


class Topology:
    """`replicas` and `servers` by name; `lines` by the name of the replica: to the `bus`, and a coordinator's to the `database`."""

    counts: ClassVar[Mapping[str, int]] = REPLICAS
    ready_seconds: ClassVar[float] = READY_SECONDS

    def __init__(self, folder: Path, postgres_folder: Path, first: Path = HIVE) -> None:
        """`first`: the `hive` that its services begin with; whatever is started again is of this one."""
        self.folder, self._first = folder, first
        self.postgres, self.valkey = PostgresServer(postgres_folder), ValkeyServer(folder / "valkey")
        self.servers: dict[str, Server] = {**self._bus_servers(), "postgres": self.postgres, "valkey": self.valkey}
        self.replicas: dict[str, Replica] = {}
        self.lines: dict[str, dict[str, Proxy]] = {}
        self.generations = folder / "generations.jsonl"
        self.gateways: list[str] = []
        self._backend_port = free_port()
        self._stack = AsyncExitStack()
        self.bus: NatsBus

    def _bus_servers(self) -> dict[str, Server]:
        self._nats = NatsServer(self.folder / "nats")
        return {"nats": self._nats}

    def _bus_settings(self) -> HiveSettings:
        return self._nats.settings()

    async def _bus_environment(self, service: str, name: str) -> dict[str, str]:
        """Of one replica, which is on the bus as its service is and may no more (bus/permissions.py)."""
        line = await self._line(name, "bus", Proxy.to_port(self._nats.port))
        return {"NATS_URL": self._nats.url_of(service).replace(str(self._nats.port), str(line.port))}

    def refused(self) -> list[str]:
        """What services tried on the bus, and may not."""
        logs = [server.log.read_text(errors="replace") for name, server in self.servers.items() if name not in STORES]
        return [line for log in logs for line in violations(log, *ROOMS)]

    @classmethod
    def names(cls, service: str) -> list[str]:
        return [f"{service}-{number + 1}" for number in range(cls.counts[service])]

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, failed: object, *_: object) -> None:
        await self._stack.aclose()
        assert failed is not None or not self.refused(), self.refused()

    async def _start(self) -> None:
        for server in self.servers.values():
            self._stack.callback(end_server, server)
        await asyncio.gather(*(server.come_up() for server in self.servers.values()))
        for replica in await self._replicas():
            self._run(replica)
        self.bus = await NatsBus.connect(self._bus_settings(), "checker", timeout=20)
        self._stack.push_async_callback(self.bus.close)
        await self._admit()
        await self.ready()

    async def _admit(self) -> None:
        """Hosts that join, where there are any."""

    async def _replicas(self) -> list[Replica]:
        command = (sys.executable, "-m", "tests.chaos.backend", str(self._backend_port), str(self.generations))
        found = [Replica("backend", command, {}, self.folder / "backend.log")]
        for service in self.counts:
            for name in self.names(service):
                found.append(Replica.of(service, name, await self._environment(service, name), self.folder, self._first))
        return found

    def _run(self, replica: Replica) -> None:
        self.replicas[replica.name] = replica
        self._stack.callback(end, replica)
        replica.start()

    async def _environment(self, service: str, name: str) -> dict[str, str]:
        """Each service knows what it would know on a host of its own, and nothing of what the test has in its environment."""
        (self.folder / name).mkdir()
        own = {"HIVE_DATA_DIR": str(self.folder / name), **await self._bus_environment(service, name)}
        match service:
            case "coordinator":
                host = parse_qs(urlsplit(self.postgres.url).query)["host"][0]
                far = Proxy.to_socket(f"{host}/{SOCKET_NAME}", keepalive_seconds=KEEPALIVE_SECONDS)
                database = await self._line(name, "database", far)
                own |= {
                    "HIVE_DATABASE_URL": f"postgresql://hive@127.0.0.1:{database.port}/hive?sslmode=disable",
                    "HIVE_REDIS_URL": self.valkey.url,
                    "HIVE_ADMIN_KEY": KEY,
                }
            case "gateway":
                port = free_port()
                self.gateways.append(f"http://127.0.0.1:{port}")
                own |= {"HIVE_API_PORT": str(port)}
            case "sidecar":
                own |= {"HIVE_BACKENDS": f"{name}=http://127.0.0.1:{self._backend_port}/{name}?slots={SLOTS}"}
        return own

    async def _line(self, name: str, far: str, proxy: Proxy) -> Proxy:
        await proxy.start()
        self._stack.push_async_callback(proxy.close)
        self.lines.setdefault(name, {})[far] = proxy
        return proxy

    def doors(self, *, fresh: bool = True) -> Doors:
        return Doors(self.gateways, KEY, fresh=fresh)

    def leader(self) -> str | None:
        """The coordinator that led last, by the logs of all."""
        epochs = {name: _last_epoch(self.replicas[name].log) for name in self.names("coordinator")}
        name = max(epochs, key=lambda name: epochs[name])
        return name if epochs[name] else None

    def processes(self, name: str) -> list[psutil.Process]:
        """Of a replica or a server: PostgreSQL is a family."""
        owner = self.replicas.get(name) or self.servers[name]
        assert owner.process is not None
        process = psutil.Process(owner.process.pid)
        return [process, *process.children(recursive=True)]

    def signal(self, name: str, number: signal.Signals) -> None:
        for process in self.processes(name):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    async def ready(self) -> None:
        """Until every replica serves: two gateways, a leader and as many that stand by as there should be, every agent online."""
        missing = "everything"
        try:
            async with asyncio.timeout(self.ready_seconds), httpx.AsyncClient(timeout=3) as http:
                while missing := await self._missing(http):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            tails = "\n".join(f"{name}: {replica.tail()[-600:]}" for name, replica in self.replicas.items())
            raise AssertionError(f"not ready after {self.ready_seconds:.0f} s: {missing}\n{tails}") from None

    async def _missing(self, http: httpx.AsyncClient) -> str:
        """What is not ready yet; empty when all is."""
        if ended := [name for name, replica in self.replicas.items() if not replica.running]:
            return f"{ended} do not run"
        try:
            for url in self.gateways:
                if (answer := await http.get(f"{url}/readyz")).status_code != 200:
                    return f"{url} {answer.text}"
            verb = subjects.service_verb(subjects.SERVICE_AGENTS, "list")
            agents = await self.bus.request(verb, NoReply(), AgentList, timeout=2)
            online = {agent.agent_id for agent in agents.agents if agent.status is AgentStatus.ONLINE}
            verb = subjects.service_verb(subjects.SERVICE_QUEUE, "status")
            status = await self.bus.request(verb, NoReply(), ClusterStatus, timeout=2)
            standing = await count(self.bus, subjects.SERVICE_KEYS)
            known = await self.bus.get(subjects.KV_MODELS, subjects.model_key(MODEL))
        except (HiveError, httpx.TransportError) as error:
            return f"{type(error).__name__} {error}"
        if away := set(self.names("sidecar")) - online:
            return f"{away} not online"
        if status.leader is None or known is None:
            return f"leader {status.leader}, model {known!r}"
        return "" if standing == REPLICAS["coordinator"] else f"{standing} coordinators serve"


async def count(bus: NatsBus, service: str) -> int:
    """Instances of a micro service, as many as there are coordinators at most."""
    inbox = bus.client.new_inbox()
    found = await bus.client.subscribe(inbox)
    try:
        await bus.client.publish(f"$SRV.PING.{service}", reply=inbox)
        heard = 0
        with suppress(TimeoutError):
            while heard < REPLICAS["coordinator"]:
                await asyncio.wait_for(found.next_msg(timeout=1), 1)
                heard += 1
        return heard
    finally:
        await found.unsubscribe()


def _last_epoch(log: Path) -> int:
    lines = (json.loads(line) for line in log.read_bytes().splitlines() if line.startswith(b"{") and b'"leading"' in line)
    return max((int(line["epoch"]) for line in lines if line.get("event") == "leading"), default=0)


def end(replica: Replica) -> None:
    if replica.running:
        replica.kill()


def end_server(server: Server) -> None:
    """With its family: PostgreSQL's own processes outlive a killed postmaster by moments."""
    if server.process is None or server.process.poll() is not None:
        return
    process = psutil.Process(server.process.pid)
    family = [process, *process.children(recursive=True)]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    server.process.wait()
    psutil.wait_procs(family, timeout=10)
