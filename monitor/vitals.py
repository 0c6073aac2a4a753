"""Who of Hive's processes is there, as they say themselves. Pure; the clock is passed in, in seconds."""

from dataclasses import dataclass

from bus.messages.readings import ServiceVitals
from bus.vitals import FRESH_SECONDS


@dataclass(frozen=True, slots=True)
class _Word:
    vitals: ServiceVitals
    at: float


class Vitals:
    def __init__(self) -> None:
        self._words: dict[tuple[str, str], _Word] = {}

    def hear(self, vitals: ServiceVitals, now: float) -> None:
        self._words[vitals.service, vitals.instance] = _Word(vitals, now)

    def present(self, now: float) -> tuple[ServiceVitals, ...]:
        """By name. Who is silent has gone, and is forgotten."""
        self._words = {key: word for key, word in self._words.items() if now - word.at <= FRESH_SECONDS}
        return tuple(word.vitals for _, word in sorted(self._words.items(), key=lambda item: item[0]))
