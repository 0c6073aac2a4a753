"""A hive whose every kind of memory is short: one process of each service by `hive run`, and seconds where a real one keeps days."""

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

import httpx
import psutil

from bus import streams
from bus.nats_bus import NatsBus
from deploy.local.ports import free_port
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer
from tests.parts.replica import Replica
from tests.parts.valkey import ValkeyServer

KEY: Final = "sk-hive-soak-0123456789abcdef0123456789abcdef"
KEPT_SECONDS: Final = 10.0
"""Of ended tasks, and of what streams keep for a time: a level is reached within the first seconds."""
SERVICES: Final = ("coordinator", "gateway", "monitor", "gui", "sidecar")
SLOTS: Final = 24
READY_SECONDS: Final = 60
POSTGRES_SETTINGS: Final = {"autovacuum_naptime": "5s"}
"""Of a minute: a run of two would see the first cleaning only."""


class SoakHive:
    """`processes` by name, each with its family; `api` and `gui` are base URLs."""

    def __init__(self, folder: Path, postgres_folder: Path) -> None:
        self.folder = folder
        self.nats = NatsServer(folder / "nats")
        self.postgres = PostgresServer(postgres_folder, settings=POSTGRES_SETTINGS)
        self.valkey = ValkeyServer(folder / "valkey")
        self.processes: dict[str, psutil.Process] = {}
        self.logs: list[Path] = []
        self.sessions = folder / "gui" / "gui"
        ports = {name: free_port() for name in ("api", "gui", "backend")}
        self._ports = ports
        self.api, self.gui = f"http://127.0.0.1:{ports['api']}", f"http://127.0.0.1:{ports['gui']}"
        self._stack = AsyncExitStack()
        self.bus: NatsBus

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        for name, server in (("nats", self.nats), ("postgres", self.postgres), ("valkey", self.valkey)):
            server.start()
            self._stack.callback(server.stop)
            assert server.process is not None
            self.processes[name] = psutil.Process(server.process.pid)
        backend = (sys.executable, "-m", "tests.soak.backend", str(self._ports["backend"]))
        self._run(Replica("backend", backend, {}, self.folder / "backend.log"), watched=False)
        for service in SERVICES:
            (self.folder / service).mkdir()
            self._run(Replica.of(service, service, self._environment(service), self.folder))
        self.bus = await NatsBus.connect(self.nats.settings(), "soak", timeout=20)
        self._stack.push_async_callback(self.bus.close)
        await self._ready()
        await self._shorten()

    async def restart(self, name: str) -> None:
        """A server is killed, and comes up on its own data."""
        server = {"nats": self.nats, "postgres": self.postgres}[name]
        server.kill()
        await server.come_up()
        assert server.process is not None
        self.processes[name] = psutil.Process(server.process.pid)

    def _run(self, replica: Replica, *, watched: bool = True) -> None:
        replica.start()
        self._stack.callback(_end, replica)
        assert replica.process is not None
        if watched:
            self.processes[replica.name] = psutil.Process(replica.process.pid)
            self.logs.append(replica.log)

    def _environment(self, service: str) -> dict[str, str]:
        return {
            "HIVE_DATA_DIR": str(self.folder / service),
            "NATS_URL": self.nats.url,
            "HIVE_DATABASE_URL": self.postgres.url,
            "HIVE_REDIS_URL": self.valkey.url,
            "HIVE_ADMIN_KEY": KEY,
            "HIVE_API_PORT": str(self._ports["api"]),
            "HIVE_GUI_PORT": str(self._ports["gui"]),
            "HIVE_MONITOR_REMEMBERED_ENDS": "1000",
            "HIVE_RETAIN_DAYS": repr(KEPT_SECONDS / 86400),
            "HIVE_RETAIN_TEXT_HOURS": repr(KEPT_SECONDS / 2 / 3600),
            "HIVE_BACKENDS": f"walnut=http://127.0.0.1:{self._ports['backend']}/walnut?slots={SLOTS},"
            f"acacia=http://127.0.0.1:{self._ports['backend']}/acacia?slots={SLOTS}",
        }

    async def _ready(self) -> None:
        missing = "the gateway"
        try:
            async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as http:
                while missing:
                    missing = await self._missing(http)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            tails = "\n".join(f"{log.name}: {log.read_text()[-600:]}" for log in self.logs)
            raise AssertionError(f"not ready after {READY_SECONDS} s: {missing}\n{tails}") from None

    async def _missing(self, http: httpx.AsyncClient) -> str:
        try:
            if (await http.get(f"{self.gui}/healthz")).status_code != 200:
                return "the dashboard"
            agents = (await http.get(f"{self.api}/api/agents")).json().get("agents", ())
        except (httpx.TransportError, ValueError):
            return "the gateway or the dashboard"
        online = [agent["agent_id"] for agent in agents if agent["status"] == "online"]
        return "" if len(online) == 2 else f"agents: only {online}"

    async def _shorten(self) -> None:
        """What streams keep for hours, they keep for seconds; after every service has declared them."""
        js = self.bus.client.jetstream()
        for config in streams.STREAMS:
            if config.max_age:
                await js.update_stream(replace(config, max_age=KEPT_SECONDS, duplicate_window=KEPT_SECONDS))


def _end(replica: Replica) -> None:
    """In order, as a supervisor does; a kill for what does not go."""
    assert replica.process is not None
    if replica.running:
        replica.process.terminate()
        with suppress(Exception):
            replica.process.wait(15)
    if replica.running:
        replica.kill()
