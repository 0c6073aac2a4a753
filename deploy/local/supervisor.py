"""Starts the processes of a hive, keeps them running, and stops them in the opposite order."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import Signals

from deploy.local.state import ProcessStatus
from deploy.local.unit import Spec, Unit

Report = Callable[[Unit, str], None]


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

    def send(self, name: str, number: Signals) -> None:
        """To the process of that name, where this hive runs one."""
        for stage in self._stages:
            for unit in stage:
                if unit.spec.name == name:
                    unit.send(number)

    async def stop(self) -> None:
        for stage in reversed(self._stages):
            await asyncio.gather(*(unit.stop() for unit in stage))


async def _start(units: Sequence[Unit]) -> None:
    for unit in units:
        unit.begin()
    await asyncio.gather(*(unit.wait_ready() for unit in units))
