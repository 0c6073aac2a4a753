"""A real nats-server with the project's own nats.conf."""

import asyncio
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bus.errors import BusUnavailable
from bus.nats_bus import NatsBus
from bus.nats_streams import declare
from bus.permissions import ROOMS
from bus.settings import HiveSettings
from deploy.local.nats import Nats
from deploy.local.ports import free_port
from tests.parts.server import Server

SYS_PASSWORD: Final = "test-sys-password"


def violations(log: str, *users: str) -> list[str]:
    """Lines of a server's log that say what these users tried and may not."""
    return [line for line in log.splitlines() if "Violation" in line and any(f'user:{user}"' in line for user in users)]


class NatsServer(Server):
    """`kill()` and `start()` keep port and store, as a crash and a restart do."""

    def __init__(self, folder: Path, configuration: Path | None = None, leaf_port: int = 0) -> None:
        nats = Nats(
            folder=folder / "store",
            port=free_port(),
            monitor_port=free_port(),
            websocket_port=free_port(),
            password="test-bus-password",
            sys_password=SYS_PASSWORD,
            configuration=configuration,
            leaf_port=leaf_port,
        )
        super().__init__(nats, folder / "nats.log")
        self.folder, self.port, self.monitor_port, self.websocket_port = (
            folder,
            nats.port,
            nats.monitor_port,
            nats.websocket_port,
        )
        self.url, self.url_of = nats.url, nats.url_of
        self.bare_url = f"nats://127.0.0.1:{nats.port}"
        self._read = 0

    def newly_refused(self) -> list[str]:
        """What services of the hive tried since the last call, and may not (bus/permissions.py)."""
        with self.log.open() as log:
            log.seek(self._read)
            said, self._read = log.read(), log.tell()
        return violations(said, *ROOMS)

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
