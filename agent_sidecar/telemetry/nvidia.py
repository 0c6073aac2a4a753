"""NVIDIA cards, by NVML."""

from collections.abc import Sequence
from typing import Any

from agent_sidecar.telemetry.gpu import CardReading, loads, told

_LIBRARIES = ("libnvidia-ml.so.1", "nvml.dll")


class NvidiaGpu:
    """See agent_sidecar.telemetry.gpu.Gpu. Made by `open_nvidia`."""

    def __init__(self, nvml: Any, handles: Sequence[Any]) -> None:
        self._nvml, self._handles = nvml, handles
        self.name = self._told(nvml.nvmlDeviceGetName, handles[0])
        memories = [self._told(nvml.nvmlDeviceGetMemoryInfo, handle) for handle in handles]
        self.vram_bytes: float | None = sum(memory.total for memory in memories if memory is not None) or None

    def _told(self, ask: Any, *arguments: Any) -> Any:
        return told(lambda: ask(*arguments), self._nvml.NVMLError)

    def read(self) -> Sequence[CardReading]:
        return [self._card(handle) for handle in self._handles]

    def _card(self, handle: Any) -> CardReading:
        nvml = self._nvml
        usage = self._told(nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = self._told(nvml.nvmlDeviceGetMemoryInfo, handle)
        milliwatts = self._told(nvml.nvmlDeviceGetPowerUsage, handle)
        return CardReading(
            usage=usage.gpu if usage is not None else None,
            memory_used_bytes=memory.used if memory is not None else None,
            memory_total_bytes=memory.total if memory is not None else None,
            temperature=self._told(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            power_watts=milliwatts / 1000 if milliwatts is not None else None,
        )


def open_nvidia() -> NvidiaGpu | None:
    """None without a driver, its binding, or a card."""
    if not any(loads(library) for library in _LIBRARIES):
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return None
    return NvidiaGpu(pynvml, handles) if handles else None
