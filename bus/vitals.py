"""What every process of Hive tells of itself, for the monitor and for upgrades: its CPU, its memory, its version, a door's WebSocket connections.

A container of its own is read from its cgroup (version 2), which counts what the kernel counts for its limits. Elsewhere a cgroup
holds other processes too, as a login session's does, so there the process itself is read.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final
from uuid import uuid4

import psutil

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages.readings import ServiceVitals
from bus.together import end
from bus.version import code_version

logger = telemetry.log(__name__)

EVERY_SECONDS: Final = 5.0
FRESH_SECONDS: Final = 3 * EVERY_SECONDS
"""Who has been silent for longer has gone."""
CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Load:
    """CPU time since the beginning, and memory now."""

    cpu_seconds: float
    memory_bytes: int


def load(cgroup: Path = CGROUP, pid: int | None = None) -> Load:
    """Of the container whose first process this is, else of the process."""
    if (os.getpid() if pid is None else pid) == 1:
        try:
            return _of_cgroup(cgroup)
        except (OSError, ValueError, KeyError):
            pass  # version 1, or hidden
    times = os.times()
    return Load(times.user + times.system, psutil.Process().memory_info().rss)


def _of_cgroup(folder: Path) -> Load:
    stat = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
    return Load(int(stat["usage_usec"]) / 1e6, int((folder / "memory.current").read_text()))


class Meter:
    """Makes percent of CPU time: over the time between two readings, 100 a core."""

    def __init__(self, read: Callable[[], Load] = load, now: Callable[[], float] = monotonic) -> None:
        self._read, self._now = read, now
        self._last: tuple[float, float] | None = None

    def read(self) -> tuple[float | None, int]:
        """CPU in percent, which the first reading has none of, and memory in bytes."""
        at, found = self._now(), self._read()
        before, self._last = self._last, (at, found.cpu_seconds)
        if before is None or at <= before[0]:
            return None, found.memory_bytes
        return max(0.0, 100 * (found.cpu_seconds - before[1]) / (at - before[0])), found.memory_bytes


@asynccontextmanager
async def telling_vitals(bus: Bus, service: str, sockets: Callable[[], int] | None = None) -> AsyncIterator[None]:
    """While it is entered. `sockets` counts a door's open WebSocket connections."""
    telling = asyncio.create_task(_tell(bus, service, uuid4().hex[:12], sockets))
    try:
        yield
    finally:
        await end([telling])


async def _tell(bus: Bus, service: str, instance: str, sockets: Callable[[], int] | None) -> None:
    meter = Meter()
    while True:
        cpu, memory = meter.read()
        vitals = ServiceVitals(
            service=service,
            instance=instance,
            pid=os.getpid(),
            version=code_version(),
            cpu_percent=cpu,
            memory_bytes=memory,
            websocket_connections=sockets() if sockets else None,
        )
        try:
            if bus.connected:
                await bus.publish(subjects.vitals(service, instance), vitals)
        except HiveError as error:
            logger.debug("vitals_not_told", reason=error.message)
        await asyncio.sleep(EVERY_SECONDS)
