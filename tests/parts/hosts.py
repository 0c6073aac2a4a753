"""A hive's bus with a coordinator that lets hosts in by their own keys, and hosts as `hive join` makes them."""

from dataclasses import dataclass, field

from bus import host_key, subjects
from bus.identities import admission_seed
from bus.messages.joining import AdmittedHost
from bus.nats_bus import NatsBus
from bus.nats_login import HostIdentity
from bus.settings import HiveSettings
from coordinator.agents.admitting import Admitting
from tests.parts.leaf import Leaf
from tests.parts.nats import SYS_PASSWORD, NatsServer
from tests.parts.nats_cluster import Member


@dataclass
class JoinedHost:
    """`key` is what the hive knows it by."""

    name: str
    agents: tuple[str, ...] = ()
    seed: str = field(default_factory=host_key.new_seed, repr=False)

    @property
    def key(self) -> str:
        return host_key.public_key(self.seed)

    @property
    def identity(self) -> HostIdentity:
        return HostIdentity(name=self.name, agents=(self.name, *self.agents), seed=self.seed)

    async def connect(self, server: NatsServer | Leaf | Member, *, timeout: float = 10, instance: str = "i1") -> NatsBus:
        settings = HiveSettings(nats_url=server.bare_url)
        return await NatsBus.connect(settings, subjects.sidecar_connection(instance), timeout=timeout, host=self.identity)


async def know(bus: NatsBus, *hosts: JoinedHost) -> None:
    """As the leader shows them to all coordinators."""
    for host in hosts:
        await bus.put(subjects.KV_HOSTS, host.key, AdmittedHost(name=host.name, agents=host.agents))


async def admitting(server: NatsServer | Member) -> tuple[Admitting, NatsBus]:
    """What every coordinator has. Close both."""
    bus = await NatsBus.connect(HiveSettings(nats_url=server.url_of("coordinator")), "coordinator/test", timeout=10)
    admits = Admitting(bus, admission_seed(SYS_PASSWORD))
    await admits.start()
    return admits, bus


def log_of(server: NatsServer | Leaf) -> str:
    return (server.folder / "nats.log").read_text()
