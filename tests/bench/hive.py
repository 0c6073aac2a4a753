"""What every benchmark runs against: real servers that sync, and Hive's own processes, whose sidecar answers at once."""

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil

from bus.errors import HiveError
from bus.messages import AgentList, NoReply
from bus.nats_bus import NatsBus
from bus.subjects import service_verb
from deploy.local.launch import Launch, start
from deploy.local.ports import free_port
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer

KEY = "sk-hive-bench-0123456789abcdef0123456789abcdef"
SLOTS = 128
READY_SECONDS = 30


def launched(stack: ExitStack, launch: Launch, folder: Path) -> psutil.Process:
    """It ends with `stack`, and its log is in `folder`."""
    started = start(launch, folder / f"{launch.name}.log")

    def end() -> None:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()

    stack.callback(end)
    return psutil.Process(started.pid)


class BenchHive:
    """Everything ends with `stack`, however that ends. `processes` are Hive's and its servers', by name."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self.server, self.postgres, self.port = NatsServer(folder / "nats"), PostgresServer(folder / "postgres"), free_port()
        for part in (self.server, self.postgres):
            part.start()
            stack.callback(part.stop)
        assert self.server.process is not None
        assert self.postgres.process is not None
        self.processes = {
            "nats": psutil.Process(self.server.process.pid),
            "postgres": psutil.Process(self.postgres.process.pid),
        }

    def start(
        self, name: str, module: str, *, slots: int = SLOTS, milliseconds: int = 0, backends: str | None = None
    ) -> psutil.Process:
        """A sidecar speaks for `backends`, else for one of instant_sidecar.py with so many slots, which takes so long for a task."""
        self.processes[name] = self.other(
            module,
            NATS_URL=self.server.url,
            HIVE_DATABASE_URL=self.postgres.url,
            HIVE_DATA_DIR=str(self._folder),
            HIVE_BACKENDS=backends or f"instant=http://127.0.0.1:9/{milliseconds}?slots={slots}",
            HIVE_API_PORT=str(self.port),
            HIVE_ADMIN_KEY=KEY,
            HIVE_LOG_LEVEL="warning",
        )
        return self.processes[name]

    def other(self, module: str, *arguments: str, **env: str) -> psutil.Process:
        """A process that is not Hive's."""
        launch = Launch(name=module, command=(sys.executable, "-m", module, *arguments), environment=env)
        return launched(self._stack, launch, self._folder)

    async def connect(self) -> NatsBus:
        return await NatsBus.connect(self.server.settings(), "bench", timeout=10)


async def ready(bus: NatsBus) -> None:
    """Returns when a coordinator leads and knows an agent."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                agents = await bus.request(service_verb("agents", "list"), NoReply(), AgentList, timeout=2)
                if agents.agents:
                    return
            except HiveError:
                pass
            await asyncio.sleep(0.1)
