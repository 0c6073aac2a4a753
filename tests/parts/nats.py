"""A real nats-server with the project's own nats.conf."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr

from bus.errors import BusUnavailable
from bus.nats_bus import NatsBus, declare
from bus.settings import HiveSettings
from tests.parts.ports import free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "test-bus-password"


class NatsServer:
    """`kill()` and `start()` keep port and store, as a crash and a restart do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.monitor_port, self.websocket_port = free_port(), free_port(), free_port()
        self.url = f"nats://hive:{PASSWORD}@127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        env = {
            **os.environ,
            "HIVE_NATS_HOST": "127.0.0.1",
            "HIVE_NATS_PORT": str(self.port),
            "HIVE_NATS_MONITOR_ADDRESS": f"127.0.0.1:{self.monitor_port}",
            "HIVE_NATS_WEBSOCKET_PORT": str(self.websocket_port),
            "HIVE_NATS_STORE": str(self.folder / "store"),
            "HIVE_NATS_PASSWORD": PASSWORD,
            "HIVE_NATS_SYS_PASSWORD": "test-sys-password",
        }
        binary = shutil.which("nats-server", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
        assert binary, "nats-server is not installed: make setup"
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen([binary, "-c", str(ROOT / "nats.conf")], env=env, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def settings(self, **more: object) -> HiveSettings:
        return HiveSettings(nats_url=SecretStr(self.url), **more)  # type: ignore[arg-type]

    async def connect(self, name: str = "test") -> NatsBus:
        """A connected bus with every stream declared."""
        bus = await NatsBus.connect(self.settings(), name, timeout=10)
        async with asyncio.timeout(10):
            while True:
                try:
                    await declare(bus)
                    return bus
                except (BusUnavailable, TimeoutError):
                    continue
