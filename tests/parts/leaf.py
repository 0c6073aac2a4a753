"""A site's own bus as deploy/leaf has it: a leaf of a hive's bus, to which its hosts come by their own keys."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from bus.identities import password_of, variables
from bus.permissions import LEAF
from deploy.local.launch import Launch
from deploy.local.nats import Nats, command, nats_conf
from deploy.local.ports import free_port
from tests.parts.nats import SYS_PASSWORD, NatsServer
from tests.parts.server import Server

CONFIGURATIONS = Path(__file__).parents[2] / "deploy" / "leaf"


class Hub(NatsServer):
    """The hive's bus, with a door for leaves."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        for configuration in (nats_conf(), CONFIGURATIONS / "hub.conf"):
            shutil.copy(configuration, folder)
        super().__init__(folder, folder / "hub.conf")
        self.leaf_port = free_port()
        port = self.leaf_port

        @dataclass(frozen=True, kw_only=True)
        class WithLeaves(Nats):
            def environment(self) -> dict[str, str]:
                return super().environment() | {"HIVE_NATS_LEAF_ADDRESS": f"127.0.0.1:{port}"}

        assert isinstance(self.part, Nats)
        self.part = WithLeaves(**vars(self.part))


@dataclass(frozen=True, kw_only=True)
class LeafNats(Nats):
    hub_port: int

    def launch(self) -> Launch:
        hub = f"nats-leaf://{LEAF}:{password_of(SYS_PASSWORD, LEAF)}@127.0.0.1:{self.hub_port}"
        told = {
            "HIVE_NATS_NAME": "attic",
            "HIVE_NATS_HOST": "127.0.0.1",
            "HIVE_NATS_PORT": str(self.port),
            "HIVE_NATS_UNUSED_PASSWORD": f"h{token_hex(16)}",
            "HIVE_NATS_HUB": json.dumps([hub]),
            "HIVE_NATS_ADMISSION_KEY": variables(SYS_PASSWORD)["HIVE_NATS_ADMISSION_KEY"],
        }
        monitored = (*command(CONFIGURATIONS / "leaf.conf"), "-m", str(self.monitor_port), "-a", "127.0.0.1")
        return Launch(name=self.name, command=monitored, environment=told)


class Leaf(Server):
    def __init__(self, folder: Path, hub: Hub) -> None:
        nats = LeafNats(
            folder=folder,
            port=free_port(),
            monitor_port=free_port(),
            websocket_port=0,
            password="",
            sys_password="",
            hub_port=hub.leaf_port,
        )
        super().__init__(nats, folder / "nats.log")
        self.folder, self.bare_url = folder, f"nats://127.0.0.1:{nats.port}"
