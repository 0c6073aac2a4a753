"""What every kind of card can tell, and how several cards make one reading."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class CardReading:
    """One card now: percent, bytes, °C, watts. None: the card does not tell."""

    usage: float | None = None
    memory_used_bytes: float | None = None
    memory_total_bytes: float | None = None
    temperature: float | None = None
    power_watts: float | None = None


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """All cards of a host: mean usage and share of memory in percent, hottest card in °C, power together in watts."""

    usage: float | None = None
    memory: float | None = None
    temperature: float | None = None
    power_watts: float | None = None


class Gpu(Protocol):
    """The cards of one maker. `read` never raises: a card that vanished is left out."""

    @property
    def name(self) -> str | None: ...

    @property
    def vram_bytes(self) -> float | None: ...

    def read(self) -> Sequence[CardReading]: ...


def combine(cards: Sequence[CardReading]) -> GpuReading:
    usages = [card.usage for card in cards if card.usage is not None]
    memories = [
        (card.memory_used_bytes, card.memory_total_bytes)
        for card in cards
        if card.memory_used_bytes is not None and card.memory_total_bytes
    ]
    temperatures = [card.temperature for card in cards if card.temperature is not None]
    powers = [card.power_watts for card in cards if card.power_watts is not None]
    return GpuReading(
        usage=sum(usages) / len(usages) if usages else None,
        memory=100 * sum(used for used, _ in memories) / sum(total for _, total in memories) if memories else None,
        temperature=max(temperatures, default=None),
        power_watts=sum(powers) if powers else None,
    )


def told(ask: Callable[[], T], *errors: type[Exception]) -> T | None:
    """A value, or None where the driver refuses it: on some cards a sensor is missing, and a card may fall off the bus."""
    try:
        return ask()
    except errors:
        return None


def loads(library: str) -> bool:
    """Whether a driver's library is there. Asked before its binding is imported, which takes memory even where there is no card."""
    return told(lambda: ctypes.CDLL(library), OSError) is not None
