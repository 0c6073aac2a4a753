"""This machine's load and hardware. What cannot be read is left out, never zero."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TypeVar

import psutil

from agent_sidecar.telemetry.amd import open_amd
from agent_sidecar.telemetry.gpu import Gpu, GpuReading, combine
from agent_sidecar.telemetry.none import NoGpu
from agent_sidecar.telemetry.nvidia import open_nvidia
from bus.messages import Hardware, NetworkCounters

T = TypeVar("T")

FRESH_SECONDS = 1.0
"""Agents that share the host share a reading this old: rates over a shorter time are noise."""
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class HostReading:
    """Percent, but for the network's bytes per second."""

    cpu_usage: float | None = None
    memory_usage: float | None = None
    disk_usage: float | None = None
    network_io: NetworkCounters | None = None
    gpu: GpuReading = field(default_factory=GpuReading)


class Host:
    """`disk` is a folder on the disk that counts."""

    def __init__(self, gpu: Gpu, disk: Path) -> None:
        self._gpu = gpu
        self._disk = next(folder for folder in (disk, *disk.absolute().parents) if folder.exists())
        self._reading: HostReading | None = None
        self._read_at = 0.0
        self._sent_received = _quietly(_bytes_moved)
        self._reading_now = asyncio.Lock()
        _quietly(psutil.cpu_percent)  # the first call only remembers where it began

    def hardware(self) -> Hardware:
        cores, memory = _quietly(psutil.cpu_count), _quietly(psutil.virtual_memory)
        vram = self._gpu.vram_bytes
        return Hardware(
            gpu_type=self._gpu.name,
            vram_gb=round(vram / _GIB, 1) if vram else None,
            cpu_cores=cores,
            ram_gb=round(memory.total / _GIB, 1) if memory else None,
        )

    async def read(self) -> HostReading:
        """In a thread, since a driver in trouble takes its time."""
        async with self._reading_now:
            now = monotonic()
            if self._reading is None or now - self._read_at >= FRESH_SECONDS:
                self._reading = await asyncio.to_thread(self._read, now - self._read_at)
                self._read_at = now
            return self._reading

    def _read(self, seconds: float) -> HostReading:
        memory = _quietly(psutil.virtual_memory)
        disk = _quietly(lambda: psutil.disk_usage(str(self._disk)))
        return HostReading(
            cpu_usage=_quietly(psutil.cpu_percent),
            memory_usage=memory.percent if memory else None,
            disk_usage=disk.percent if disk else None,
            network_io=self._network(seconds),
            gpu=combine(self._gpu.read()),
        )

    def _network(self, seconds: float) -> NetworkCounters | None:
        before, self._sent_received = self._sent_received, _quietly(_bytes_moved)
        if before is None or self._sent_received is None or self._reading is None:
            return None
        sent, received = (max(0, after - earlier) / seconds for earlier, after in zip(before, self._sent_received, strict=True))
        return NetworkCounters(bytes_sent_per_second=sent, bytes_received_per_second=received)


def open_host(disk: Path) -> Host:
    return Host(open_nvidia() or open_amd() or NoGpu(), disk)


def _bytes_moved() -> tuple[int, int]:
    counters = psutil.net_io_counters()
    return counters.bytes_sent, counters.bytes_recv


def _quietly(read: Callable[[], T]) -> T | None:
    """None where the system does not let it be read: in some containers /proc is incomplete."""
    try:
        return read()
    except (OSError, RuntimeError, AttributeError, psutil.Error):
        return None
