"""NVIDIA cards, by NVML."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from agent_sidecar.telemetry.gpu import CardReading, loads, told

_LIBRARIES = ("libnvidia-ml.so.1", "nvml.dll")


class NvidiaGpu:
    """See agent_sidecar.telemetry.gpu.Gpu. Made by `open_nvidia`."""

    def __init__(self, nvml: Any, handles: Sequence[Any]) -> None:
        self._nvml, self._handles = nvml, handles
        self.name: str | None = self._told(nvml.nvmlDeviceGetName, handles[0])
        memories = [self._told(self._memory, handle) for handle in handles]
        self.vram_bytes: float | None = sum(memory.total for memory in memories if memory is not None) or None

    def _told(self, ask: Any, *arguments: Any) -> Any:
        return told(lambda: ask(*arguments), self._nvml.NVMLError)

    def read(self) -> Sequence[CardReading]:
        readings = [self._card(handle) for handle in self._handles]
        if all(reading == CardReading() for reading in readings):
            self._look_again()
        return readings

    def _look_again(self) -> None:
        """After a reset, or while its driver was away, a card's handle stays dead: the next reading needs a new one."""
        nvml = self._nvml
        with suppress(nvml.NVMLError):  # a driver that has gone has nothing to end
            nvml.nvmlShutdown()
        with suppress(nvml.NVMLError):
            nvml.nvmlInit()
            self._handles = _handles(nvml) or self._handles

    def _card(self, handle: Any) -> CardReading:
        nvml = self._nvml
        usage = self._told(nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = self._told(self._memory, handle)
        milliwatts = self._told(nvml.nvmlDeviceGetPowerUsage, handle)
        return CardReading(
            usage=usage.gpu if usage is not None else None,
            memory_used_bytes=memory.used if memory is not None else None,
            memory_total_bytes=memory.total if memory is not None else None,
            temperature=self._told(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            power_watts=milliwatts / 1000 if milliwatts is not None else None,
        )

    def _memory(self, handle: Any) -> Any:
        """As nvidia-smi shows it. A driver before 510 knows only the older call, which counts what it keeps for itself as used."""
        nvml = self._nvml
        try:
            return nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
        except nvml.NVMLError:
            return nvml.nvmlDeviceGetMemoryInfo(handle)


def open_nvidia() -> NvidiaGpu | None:
    """None without a driver, its binding, or a card."""
    if not any(loads(library) for library in _LIBRARIES):
        return None
    try:
        import pynvml
    except ImportError:
        return None
    return cards_of(pynvml)


def cards_of(nvml: Any) -> NvidiaGpu | None:
    """`nvml` is the binding. None where the driver does not start, or has no card."""
    try:
        nvml.nvmlInit()
        handles = _handles(nvml)
    except nvml.NVMLError:
        return None
    return NvidiaGpu(nvml, handles) if handles else None


def _handles(nvml: Any) -> Sequence[Any]:
    """Without those of cards that fell off the bus: one that is ill hides no other."""
    count = nvml.nvmlDeviceGetCount()
    handles = [told(partial(nvml.nvmlDeviceGetHandleByIndex, index), nvml.NVMLError) for index in range(count)]
    return [handle for handle in handles if handle is not None]
