"""What goes wrong, with whom and for how long: drawn from a seed, so that a run can be repeated, or named by a test."""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.chaos.history import FaultBegan, FaultHealed, Log
from tests.chaos.topology import Topology


class Kind(StrEnum):
    KILL = "kill -9"
    PAUSE = "pause"
    RESTART = "restart"
    CUT = "cut off the bus"
    FREEZE = "frozen off the bus"
    CUT_DATABASE = "cut off the database"
    FREEZE_DATABASE = "frozen off the database"


PROCESS = (Kind.KILL, Kind.PAUSE, Kind.RESTART)
LINE = (Kind.CUT, Kind.FREEZE)
DATABASE_LINE = (Kind.CUT_DATABASE, Kind.FREEZE_DATABASE)
ROLES: dict[str, tuple[int, tuple[Kind, ...]]] = {
    "sidecar": (6, PROCESS + LINE),
    "leader": (6, PROCESS + LINE + DATABASE_LINE),
    "standby": (1, PROCESS + LINE + DATABASE_LINE),
    "gateway": (3, PROCESS + LINE),
    "nats": (2, PROCESS),
    "postgres": (2, PROCESS),
    "valkey": (1, PROCESS),
    "monitor": (1, PROCESS + LINE),
}
"""How often each is hit, in proportion, and by what. A pause is a host that hangs; of PostgreSQL it stops every process."""
LONGEST_SECONDS = {Kind.KILL: 2.0, Kind.RESTART: 0.5}
LONGEST = 8.0
TWICE = 0.15
"""How often two are hit at once."""
CALM_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`number` chooses among several of a role. `seconds`: until it is healed, or what was killed is started again."""

    kind: Kind
    role: str
    seconds: float
    number: int = 0


def plan(random: Random) -> Iterator[tuple[Fault, ...]]:
    """For ever; the faults of one step begin together."""
    roles, weights = list(ROLES), [weight for weight, _ in ROLES.values()]
    while True:
        chosen = random.choices(roles, weights, k=2 if random.random() < TWICE else 1)
        yield tuple(_fault(random, role) for role in dict.fromkeys(chosen))


def _fault(random: Random, role: str) -> Fault:
    kind = random.choice(ROLES[role][1])
    seconds = random.uniform(0.1, LONGEST_SECONDS.get(kind, LONGEST))
    return Fault(kind=kind, role=role, seconds=round(seconds, 1), number=random.randrange(12))


class Nemesis:
    """Does to a hive what a plan says, heals it, and notes when."""

    def __init__(self, hive: Topology, log: Log) -> None:
        self._hive, self._log = hive, log

    async def run(self, steps: Iterator[tuple[Fault, ...]], random: Random, stopped: asyncio.Event) -> None:
        """Between two steps the hive becomes whole again, and has a moment of calm."""
        for step in steps:
            if stopped.is_set():
                return
            await self.strike(*step)
            await asyncio.sleep(random.uniform(0.5, CALM_SECONDS))

    async def strike(self, *faults: Fault) -> None:
        """Returns when all is whole again."""
        victims = [self._victim(fault) for fault in faults]
        async with asyncio.TaskGroup() as group:
            for fault, victim in zip(faults, victims, strict=True):
                group.create_task(self._strike(fault, victim, alone=len(faults) == 1))
        await self._hive.ready()

    def _victim(self, fault: Fault) -> str:
        leader = self._hive.leader()
        match fault.role:
            case "leader":
                assert leader is not None
                return leader
            case "standby":
                return next(name for name in self._hive.names("coordinator") if name != leader)
            case "sidecar" | "gateway" | "monitor":
                names = self._hive.names(fault.role)
                return names[fault.number % len(names)]
        return fault.role

    async def _strike(self, fault: Fault, victim: str, *, alone: bool) -> None:
        self._log.write(FaultBegan(fault=fault.kind, role=fault.role, victim=victim, alone=alone))
        print(f"{fault.kind} {fault.role} ({victim}) for {fault.seconds} s", flush=True)
        match fault.kind:
            case Kind.KILL | Kind.RESTART:
                await self._end_and_start(fault, victim)
            case Kind.PAUSE:
                self._hive.signal(victim, signal.SIGSTOP)
                await asyncio.sleep(fault.seconds)
                self._hive.signal(victim, signal.SIGCONT)
            case _:
                await self._break_line(fault, victim)
        self._log.write(FaultHealed(fault=fault.kind, role=fault.role, victim=victim))

    async def _end_and_start(self, fault: Fault, victim: str) -> None:
        hive = self._hive
        if replica := hive.replicas.get(victim):
            if fault.kind is Kind.KILL:
                replica.kill()
            else:
                await replica.stop()
            await asyncio.sleep(fault.seconds)
            replica.start()
        else:
            server = hive.servers[victim]
            if fault.kind is Kind.KILL:
                server.kill()
            else:
                await asyncio.to_thread(server.stop)
            await asyncio.sleep(fault.seconds)
            await server.come_up()

    async def _break_line(self, fault: Fault, victim: str) -> None:
        line = self._hive.lines[victim]["database" if fault.kind in DATABASE_LINE else "bus"]
        if fault.kind in (Kind.CUT, Kind.CUT_DATABASE):
            line.cut()
        else:
            line.freeze()
        await asyncio.sleep(fault.seconds)
        line.heal()
