"""NVIDIA cards, by NVML."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from agent_sidecar.telemetry.gpu import CardReading, library, told
from agent_sidecar.telemetry.nvml import Handle, Nvml, NvmlError

T = TypeVar("T")

_LIBRARIES = ("libnvidia-ml.so.1", "nvml.dll")


class NvidiaGpu:
    """See agent_sidecar.telemetry.gpu.Gpu. Made by `open_nvidia`."""

    def __init__(self, nvml: Nvml, cards: Sequence[Handle]) -> None:
        self._nvml, self._cards = nvml, cards
        self.name: str | None = _told(nvml.name, cards[0])
        memories = [_told(nvml.memory, card) for card in cards]
        self.vram_bytes: float | None = sum(memory.total for memory in memories if memory is not None) or None

    def read(self) -> Sequence[CardReading]:
        readings = [self._read(card) for card in self._cards]
        if all(reading == CardReading() for reading in readings):
            self._look_again()
        return readings

    def _look_again(self) -> None:
        """After a reset, or while its driver was away, a card's handle stays dead: the next reading needs a new one."""
        try:
            self._nvml.restart()
            self._cards = self._nvml.cards() or self._cards
        except NvmlError:
            return

    def _read(self, card: Handle) -> CardReading:
        nvml = self._nvml
        memory = _told(nvml.memory, card)
        milliwatts = _told(nvml.milliwatts, card)
        return CardReading(
            usage=_told(nvml.usage, card),
            memory_used_bytes=memory.used if memory is not None else None,
            memory_total_bytes=memory.total if memory is not None else None,
            temperature=_told(nvml.temperature, card),
            power_watts=milliwatts / 1000 if milliwatts is not None else None,
        )


def _told(ask: Callable[[Handle], T], card: Handle) -> T | None:
    return told(lambda: ask(card), NvmlError)


def open_nvidia() -> NvidiaGpu | None:
    """None without a driver or a card."""
    loaded = next((found for name in _LIBRARIES if (found := library(name)) is not None), None)
    return None if loaded is None else cards_of(Nvml(loaded))


def cards_of(nvml: Nvml) -> NvidiaGpu | None:
    """None where the driver does not start, or has no card."""
    try:
        nvml.start()
        cards = nvml.cards()
    except NvmlError:
        return None
    return NvidiaGpu(nvml, cards) if cards else None
