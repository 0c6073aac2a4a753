"""Starts the processes of a hive, keeps them running, and stops them in the opposite order."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.children import Inherited, Running
from deploy.local.state import ProcessStatus
from deploy.local.unit import Spec, Unit

Report = Callable[[Unit, str], None]

GONE_SECONDS = 5.0


class Supervisor:
    """`servers` are ready before the first service starts, and end after the last.

    Services start together, since most of a start is spent on imports, and end one stage after the other, the last stage first.
    """

    def __init__(
        self, servers: Sequence[Spec], stages: Sequence[Sequence[Spec]], log_of: Callable[[str], Path], report: Report
    ) -> None:
        self._stages = [[Unit(spec, log_of(spec.name), report) for spec in stage] for stage in (servers, *stages)]

    @property
    def statuses(self) -> tuple[ProcessStatus, ...]:
        return tuple(unit.status for stage in self._stages for unit in stage)

    async def start(self) -> None:
        """Unavailable when a process does not become ready; those that run go on until `stop`."""
        servers, *stages = self._stages
        await _start(servers)
        await _start([unit for stage in stages for unit in stage])

    def send(self, name: str, number: int) -> None:
        """To the process of that name, where this hive runs one."""
        for stage in self._stages:
            for unit in stage:
                if unit.spec.name == name:
                    unit.signal(number)

    async def take_over(self, inherited: Sequence[ProcessStatus]) -> None:
        """Of processes that run already, from the supervisor that this process was before; what is new among them is started, and
        what there is no more is ended. Unavailable.
        """
        known = {status.name: status for status in inherited}
        units = [unit for stage in self._stages for unit in stage]
        for unit in units:
            unit.begin(known.pop(unit.spec.name, None))
        for status in known.values():
            if status.pid is not None:
                await Running.of(Inherited(status.pid), status.version).end(signal.SIGTERM, GONE_SECONDS)
        await asyncio.gather(*(unit.wait_ready() for unit in units))

    async def renew(self, tell: Callable[[str, bool], None]) -> None:
        """One process after the other, those that run what is not on the disk any more. Unavailable, with the rest as it is.

        `tell(name, done)`, when it begins and when it is done.
        """
        for unit in (unit for stage in self._stages for unit in stage):
            if unit.status.version == await asyncio.to_thread(unit.spec.version):
                continue
            tell(unit.spec.name, False)
            await unit.renew()
            tell(unit.spec.name, True)

    async def stop(self) -> None:
        for stage in reversed(self._stages):
            await asyncio.gather(*(unit.stop() for unit in stage))


async def _start(units: Sequence[Unit]) -> None:
    for unit in units:
        unit.begin()
    await asyncio.gather(*(unit.wait_ready() for unit in units))
