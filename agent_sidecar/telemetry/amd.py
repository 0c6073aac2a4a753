"""AMD cards, by AMD SMI."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent_sidecar.telemetry.gpu import CardReading, loads, told

_LIBRARY = "libamd_smi.so"
_MIB = 1024 * 1024


class AmdGpu:
    """See agent_sidecar.telemetry.gpu.Gpu. Made by `open_amd`."""

    def __init__(self, smi: Any, handles: Sequence[Any]) -> None:
        self._smi, self._handles = smi, handles
        asic = self._told(smi.amdsmi_get_gpu_asic_info, handles[0])
        self.name: str | None = asic.get("market_name") if asic else None
        memories = [self._told(smi.amdsmi_get_gpu_vram_usage, handle) for handle in handles]
        self.vram_bytes: float | None = sum(memory["vram_total"] * _MIB for memory in memories if memory) or None

    def _told(self, ask: Any, *arguments: Any) -> Any:
        return told(lambda: ask(*arguments), self._smi.AmdSmiException)

    def read(self) -> Sequence[CardReading]:
        return [self._card(handle) for handle in self._handles]

    def _card(self, handle: Any) -> CardReading:
        smi = self._smi
        activity = self._told(smi.amdsmi_get_gpu_activity, handle) or {}
        memory = self._told(smi.amdsmi_get_gpu_vram_usage, handle) or {}
        power = self._told(smi.amdsmi_get_power_info, handle) or {}
        used, total = number(memory.get("vram_used")), number(memory.get("vram_total"))
        watts = (number(power.get(name)) for name in ("current_socket_power", "average_socket_power", "socket_power"))
        return CardReading(
            usage=number(activity.get("gfx_activity")),
            memory_used_bytes=used * _MIB if used is not None else None,
            memory_total_bytes=total * _MIB if total is not None else None,
            temperature=self._temperature(handle),
            power_watts=next((value for value in watts if value), None),
        )

    def _temperature(self, handle: Any) -> float | None:
        smi = self._smi
        for sensor in (smi.AmdSmiTemperatureType.EDGE, smi.AmdSmiTemperatureType.HOTSPOT):
            value = number(self._told(smi.amdsmi_get_temp_metric, handle, sensor, smi.AmdSmiTemperatureMetric.CURRENT))
            if value is not None:
                return value
        return None


def number(value: Any) -> float | None:
    """AMD SMI writes `N/A` where a card does not tell."""
    return float(value) if isinstance(value, int | float) else None


def open_amd() -> AmdGpu | None:
    """None without ROCm's library, its binding, or a card."""
    rocm = Path(os.environ.get("ROCM_PATH", "/opt/rocm")) / "lib" / _LIBRARY
    if not (loads(str(rocm)) or loads(_LIBRARY)):
        return None
    try:
        import amdsmi
    except (ImportError, KeyError):  # it raises KeyError for a library that it looks for elsewhere
        return None
    try:
        amdsmi.amdsmi_init()
        handles = amdsmi.amdsmi_get_processor_handles()
    except amdsmi.AmdSmiException:
        return None
    return AmdGpu(amdsmi, handles) if handles else None
