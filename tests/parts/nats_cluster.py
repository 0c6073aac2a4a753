"""Three real nats-servers that form a cluster, with the project's own nats.conf and deploy/compose/nats-cluster.conf."""

import asyncio
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bus.nats_bus import NatsBus
from bus.nats_streams import declare
from bus.settings import HiveSettings
from deploy.local.nats import Nats, nats_conf
from deploy.local.ports import free_port
from tests.parts.nats import SYS_PASSWORD
from tests.parts.server import Server

SIZE: Final = 3
CONFIGURATION: Final = Path(__file__).parents[2] / "deploy" / "compose" / "nats-cluster.conf"
_PASSWORD: Final = "test-route-password"


@dataclass(frozen=True, kw_only=True)
class Member(Nats):
    """One of them. `routes` are all of them."""

    cluster_port: int
    routes: tuple[int, ...]

    @property
    def bare_url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        routes = [f"nats-route://hive:{_PASSWORD}@127.0.0.1:{port}" for port in self.routes]
        return super().environment() | {
            "HIVE_NATS_NAME": self.name,
            "HIVE_NATS_CLUSTER_ADDRESS": f"127.0.0.1:{self.cluster_port}",
            "HIVE_NATS_CLUSTER_PASSWORD": _PASSWORD,
            "HIVE_NATS_ROUTES": json.dumps(routes),
        }


class NatsCluster:
    """`servers` by name, each of which `kill()` and `come_up()` keep port and store."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for configuration in (nats_conf(), CONFIGURATION):
            shutil.copy(configuration, folder)
        routes = tuple(free_port() for _ in range(SIZE))
        members = [
            Member(
                name=f"nats-{number}",
                folder=folder / f"store-{number}",
                port=free_port(),
                monitor_port=free_port(),
                websocket_port=free_port(),
                password="test-bus-password",
                sys_password=SYS_PASSWORD,
                configuration=folder / CONFIGURATION.name,
                cluster_port=route,
                routes=routes,
            )
            for number, route in enumerate(routes, 1)
        ]
        self.members = tuple(members)
        self.url = ",".join(member.url for member in members)
        self.servers = {member.name: Server(member, folder / f"{member.name}.log") for member in members}

    def url_of(self, service: str) -> str:
        """What one of bus.permissions.ROOMS connects with."""
        return ",".join(member.url_of(service) for member in self.members)

    def settings(self) -> HiveSettings:
        return HiveSettings(nats_url=SecretStr(self.url))

    async def come_up(self) -> None:
        """Together: none of them is ready alone."""
        await asyncio.gather(*(server.come_up() for server in self.servers.values()))

    async def connect(self, name: str = "test") -> NatsBus:
        """A connected bus with every stream declared."""
        bus = await NatsBus.connect(self.settings(), name, timeout=10)
        await asyncio.wait_for(declare(bus), 30)
        return bus

    def kill(self) -> None:
        """What still runs."""
        for server in self.servers.values():
            if server.process is not None and server.process.poll() is None:
                server.kill()
