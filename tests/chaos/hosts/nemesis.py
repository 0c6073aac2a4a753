"""What goes wrong on many hosts: with a process, a whole host, a cable, a link, a disk or a clock; healed after a while, and noted."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Final

from bus import subjects
from tests.chaos.history import FaultBegan, FaultHealed
from tests.chaos.hosts.load import HostsLoad
from tests.chaos.hosts.topology import BUS, FAKETIME, SITE, STORE, ManyHosts
from tests.chaos.topology import end, end_server

DELAY_SECONDS, LOSS = 0.2, 0.05
CLOCK_SECONDS: Final = 3600
CALM_SECONDS: Final = 2.0


class Trouble(StrEnum):
    KILL = "kill -9"
    VANISH = "host vanishes"
    ALONE = "cable out"
    APART = "partition"
    SLOW = "200 ms, 5 % lost"
    FULL = "disk full"
    CLOCK_ON = "clock an hour on"
    CLOCK_BACK = "clock an hour back"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`role` says who (`leader`, `nats leader`, a name) and, of a partition, from whom: `leader from postgres`. `seconds`: until it is healed."""

    trouble: Trouble
    role: str
    seconds: float

    @property
    def title(self) -> str:
        return f"{self.trouble}: {self.role}"


def _faults(trouble: Trouble, seconds: float, *roles: str) -> tuple[Fault, ...]:
    return tuple(Fault(trouble=trouble, role=role, seconds=seconds) for role in roles)


SIDECAR = "sidecar"
SHORT: Final = (
    *_faults(Trouble.KILL, 1, "leader", SIDECAR),
    *_faults(Trouble.VANISH, 6, SIDECAR),
    *_faults(Trouble.VANISH, 12, "nats leader"),
    *_faults(Trouble.APART, 6, "leader from postgres"),
    *_faults(Trouble.ALONE, 5, SITE),
    *_faults(Trouble.SLOW, 6, "leader"),
)
"""What CI has time for."""
KILLS: Final = (
    *_faults(
        Trouble.KILL,
        1,
        "leader",
        "standby",
        "nats leader",
        "postgres",
        "valkey",
        "gateway-1",
        "workflow-1",
        SIDECAR,
        SITE,
        "leaf",
    ),
    *_faults(Trouble.VANISH, 15, "nats leader"),
    *_faults(Trouble.VANISH, 8, "leader", STORE, "gateway-2", "workflow-2", SIDECAR, SITE),
)
CUTS: Final = (
    *_faults(Trouble.ALONE, 15, "nats leader"),
    *_faults(Trouble.ALONE, 8, SITE),
    *_faults(
        Trouble.APART,
        8,
        "leader from nats",
        "sidecar-1 from nats",
        "leader from postgres",
        "gateway-1 from nats",
        "workflow-1 from nats",
    ),
)
LINKS: Final = _faults(Trouble.SLOW, 10, "leader", "nats leader", STORE, SIDECAR, SITE, "all")
DISKS: Final = _faults(Trouble.FULL, 8, "nats-3", "postgres", "sidecar-2")
_CLOCKED: Final = ("leader", "sidecar-1", "gateway-1", "workflow-1")
CLOCKS: Final = (*_faults(Trouble.CLOCK_ON, 6, *_CLOCKED), *_faults(Trouble.CLOCK_BACK, 6, *_CLOCKED))
ANY: Final = (*KILLS, *CUTS, *LINKS)
UPGRADE: Final = (
    *BUS,
    "standby",
    "leader",
    "workflow-1",
    "workflow-2",
    "gateway-1",
    "gateway-2",
    "sidecar-1",
    "sidecar-2",
    SITE,
)
"""In the order of deploy/compose/README.md, and then the GPU hosts."""


def at_random(random: Random) -> Iterator[Fault]:
    """For ever, each for a part of its time."""
    while True:
        fault = random.choice(ANY)
        yield Fault(trouble=fault.trouble, role=fault.role, seconds=round(fault.seconds * random.uniform(0.2, 1.2), 1))


class HostsNemesis:
    """Does to a hive what it is told, heals it, and notes when."""

    def __init__(self, hive: ManyHosts, load: HostsLoad) -> None:
        self._hive, self._load = hive, load

    async def run(self, faults: Iterable[Fault], stopped: asyncio.Event | None = None) -> None:
        for fault in faults:
            if stopped is not None and stopped.is_set():
                return
            await self.strike(fault)
            await asyncio.sleep(CALM_SECONDS)  # so that what comes after it is not taken for the next one's

    async def strike(self, fault: Fault) -> None:
        """Returns when all is whole again."""
        victim = await self._victim(fault.role.split(" from ")[0])
        self._load.log.write(FaultBegan(fault=fault.trouble, role=fault.role, victim=victim))
        print(f"{fault.title} ({victim}) for {fault.seconds} s", flush=True)
        heal = self._begin(fault, victim)
        await asyncio.sleep(fault.seconds)
        await heal()
        self._load.log.write(FaultHealed(fault=fault.trouble, role=fault.role, victim=victim))
        await self._hive.ready()

    async def restart(self, role: str) -> None:
        """As an upgrade does: told to end, waited for, started."""
        victim = await self._victim(role)
        self._load.log.write(FaultBegan(fault="upgrade", role=role, victim=victim))
        print(f"restart {role} ({victim})", flush=True)
        if replica := self._hive.replicas.get(victim):
            await replica.stop()
            replica.start()
        else:
            server = self._hive.servers[victim]
            await asyncio.to_thread(server.stop)
            await server.come_up()
        self._load.log.write(FaultHealed(fault="upgrade", role=role, victim=victim))
        await self._hive.ready()

    async def _victim(self, role: str) -> str:
        match role:
            case "leader" | "standby":
                leader = self._hive.leader()
                names = [name for name in self._hive.names("coordinator") if (name == leader) == (role == "leader")]
                return names[0]
            case "nats leader":
                info = await self._hive.bus.client.jetstream().stream_info(subjects.TASKS)
                assert info.cluster is not None
                return str(info.cluster.leader)
            case "sidecar":
                return await self._load.busiest(1)
        return role

    def _begin(self, fault: Fault, victim: str) -> "Heal":
        hive = self._hive
        match fault.trouble:
            case Trouble.KILL:
                return self._kill(victim)
            case Trouble.VANISH:
                hive.power_off(victim)
                return lambda: hive.power_on(victim)
            case Trouble.ALONE:
                hive.hosts[victim].unplug()
                return _soon(hive.hosts[victim].plug)
            case Trouble.APART:
                return self._apart(victim, fault.role.split(" from ")[1])
            case Trouble.SLOW:
                return self._slow(hive.hosts if victim == "all" else [victim])
            case Trouble.FULL:
                return self._fill(victim)
        hive.set_clock(victim, CLOCK_SECONDS if fault.trouble is Trouble.CLOCK_ON else -CLOCK_SECONDS)
        return _soon(lambda: hive.set_clock(victim, 0))

    def _kill(self, victim: str) -> "Heal":
        if replica := self._hive.replicas.get(victim):
            end(replica)
            return _soon(replica.start)
        server = self._hive.servers[victim]
        end_server(server)
        return server.come_up

    def _fill(self, victim: str) -> "Heal":
        """Until there is room again, and what has ended, or serves no more, for want of it has been started anew, as its operator does."""
        disk = self._hive.disks[victim]
        disk.fill()

        async def heal() -> None:
            disk.empty()
            if victim in self._hive.servers:
                server = self._hive.servers[victim]
                if not await asyncio.to_thread(server.part.ready):
                    print(f"{victim} is started again", flush=True)
                    end_server(server)
                    await server.come_up()

        return heal

    def _apart(self, victim: str, far: str) -> "Heal":
        names = {"nats": BUS, "postgres": (STORE,)}[far]
        host, others = self._hive.bus_host(victim), [self._hive.bus_host(name) for name in names]
        host.apart(others)
        stack = ExitStack()
        for each in (host, *others):
            stack.callback(each.heal)
        return _soon(stack.close)

    def _slow(self, names: Iterable[str]) -> "Heal":
        stack = ExitStack()
        for name in names:
            self._hive.hosts[name].slow(DELAY_SECONDS, LOSS)
            stack.callback(self._hive.hosts[name].heal)
        return _soon(stack.close)


Heal = Callable[[], Coroutine[Any, Any, None]]


def _soon(heal: Callable[[], object]) -> Heal:
    async def done() -> None:
        heal()

    return done


def clocks_missing() -> str:
    return "" if FAKETIME.exists() else "libfaketime is not installed (Debian: libfaketime)"
