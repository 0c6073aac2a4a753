"""The few calls of NVIDIA's management library (NVML) that Hive makes. Names and layouts are those of nvml.h.

Not by nvidia-ml-py, which takes 7 MB for its thousand others: a sidecar shares its host's memory with models.
"""

import ctypes
from collections.abc import Sequence
from contextlib import suppress
from ctypes import byref
from typing import Any, Final

Handle = ctypes.c_void_p

_FUNCTION_NOT_FOUND: Final = 13
_TEMPERATURE_GPU: Final = 0
_NAME_BYTES: Final = 96


class NvmlError(Exception):
    """What the driver answered instead: an nvmlReturn_t."""


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Memory(ctypes.Structure):
    """Bytes. `used` counts what the driver keeps for itself."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))
    total: int
    used: int


class MemoryV2(ctypes.Structure):
    """Bytes. What the driver keeps for itself is `reserved`."""

    _fields_ = (
        ("version", ctypes.c_uint),
        ("total", ctypes.c_ulonglong),
        ("reserved", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )
    total: int
    used: int


class Nvml:
    """`library` is the loaded libnvidia-ml. Every call may raise NvmlError."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def start(self) -> None:
        self._call("nvmlInit_v2")

    def restart(self) -> None:
        """Handles of before are void until `cards` is asked again."""
        with suppress(NvmlError):  # a driver that has gone has nothing to end
            self._call("nvmlShutdown")
        self.start()

    def cards(self) -> Sequence[Handle]:
        """Without those that fell off the bus: one that is ill hides no other."""
        count = ctypes.c_uint()
        self._call("nvmlDeviceGetCount_v2", byref(count))
        found = []
        for index in range(count.value):
            handle = Handle()
            try:
                self._call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), byref(handle))
            except NvmlError:
                continue
            found.append(handle)
        return found

    def name(self, card: Handle) -> str:
        text = ctypes.create_string_buffer(_NAME_BYTES)
        self._call("nvmlDeviceGetName", card, text, ctypes.c_uint(_NAME_BYTES))
        return text.value.decode(errors="replace")

    def memory(self, card: Handle) -> Memory | MemoryV2:
        """As nvidia-smi shows it. A driver before 510 knows only the older call."""
        now = MemoryV2(version=ctypes.sizeof(MemoryV2) | 2 << 24)
        try:
            self._call("nvmlDeviceGetMemoryInfo_v2", card, byref(now))
            return now
        except NvmlError:
            older = Memory()
            self._call("nvmlDeviceGetMemoryInfo", card, byref(older))
            return older

    def usage(self, card: Handle) -> int:
        """Percent of the driver's last sample, at most a second long."""
        found = _Utilization()
        self._call("nvmlDeviceGetUtilizationRates", card, byref(found))
        return int(found.gpu)

    def temperature(self, card: Handle) -> int:
        """In °C."""
        return self._number("nvmlDeviceGetTemperature", card, ctypes.c_int(_TEMPERATURE_GPU))

    def milliwatts(self, card: Handle) -> int:
        """Mean of the last second, where the card knows it."""
        return self._number("nvmlDeviceGetPowerUsage", card)

    def _number(self, function: str, *arguments: Any) -> int:
        found = ctypes.c_uint()
        self._call(function, *arguments, byref(found))
        return found.value

    def _call(self, function: str, *arguments: Any) -> None:
        try:
            ask = getattr(self._library, function)
        except AttributeError:
            raise NvmlError(_FUNCTION_NOT_FOUND) from None
        if code := ask(*arguments):
            raise NvmlError(code)
