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
        self.leaf_port = free_port()
        super().__init__(folder, folder / "hub.conf", self.leaf_port)


@dataclass(frozen=True, kw_only=True)
class LeafNats(Nats):
    """`hubs`: addresses with ports. `watched`: on loopback, where the test can ask how it is. `authority`: it dials by TLS, and believes this one."""

    hubs: tuple[str, ...]
    watched: bool = True
    authority: Path | None = None

    def launch(self) -> Launch:
        scheme = "nats-leaf" if self.authority is None else "tls"
        told = {
            "HIVE_NATS_NAME": self.name,
            "HIVE_NATS_HOST": self.host,
            "HIVE_NATS_PORT": str(self.port),
            "HIVE_NATS_UNUSED_PASSWORD": f"h{token_hex(16)}",
            "HIVE_NATS_HUB": json.dumps([f"{scheme}://{LEAF}:{password_of(SYS_PASSWORD, LEAF)}@{hub}" for hub in self.hubs]),
            "HIVE_NATS_ADMISSION_KEY": variables(SYS_PASSWORD)["HIVE_NATS_ADMISSION_KEY"],
            "HIVE_NATS_HUB_CA": str(self.authority or ""),
        }
        configuration = CONFIGURATIONS / ("leaf.conf" if self.authority is None else "leaf-tls.conf")
        monitor = ("-m", str(self.monitor_port), "-a", self.host) if self.watched else ()
        return Launch(name=self.name, command=(*command(configuration), *monitor), environment=told)

    def ready(self) -> bool:
        return not self.watched or super().ready()


class Leaf(Server):
    def __init__(self, folder: Path, hub_port: int, authority: Path | None = None) -> None:
        nats = LeafNats(
            name="attic",
            folder=folder,
            port=free_port(),
            monitor_port=free_port(),
            websocket_port=0,
            password="",
            sys_password="",
            hubs=(f"127.0.0.1:{hub_port}",),
            authority=authority,
        )
        super().__init__(nats, folder / "nats.log")
        self.folder, self.bare_url = folder, f"nats://127.0.0.1:{nats.port}"
