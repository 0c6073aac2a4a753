"""How fast a model is on an agent, from what was measured. Pure."""

from dataclasses import dataclass
from typing import Final

from bus.messages import Timings, Usage
from bus.messages.benchmarks import BenchmarkFigures
from bus.messages.merits import ModelSpeed

_SMOOTHING: Final = 0.3


@dataclass(slots=True, kw_only=True)
class Speed:
    """What was measured of a model on an agent: tokens per second and seconds, smoothed."""

    prompt_rate: float | None = None
    generation_rate: float | None = None
    load_seconds: float | None = None
    completion_tokens: float | None = None

    def learn(self, timings: Timings, usage: Usage) -> None:
        self.prompt_rate = _smooth(self.prompt_rate, timings.prompt_tokens_per_second)
        self.generation_rate = _smooth(self.generation_rate, timings.generation_tokens_per_second)
        if timings.load_seconds and timings.load_seconds > 0.5:
            self.load_seconds = _smooth(self.load_seconds, timings.load_seconds)
        self.completion_tokens = _smooth(self.completion_tokens, float(usage.completion_tokens) or None)

    def measured(self, figures: BenchmarkFigures) -> None:
        """With nothing else running: what attempts beside each other had said gives way to it."""
        self.prompt_rate = figures.prompt_tokens_per_second or self.prompt_rate
        self.generation_rate = figures.generation_tokens_per_second or self.generation_rate
        self.load_seconds = figures.load_seconds or self.load_seconds

    def shown(self) -> ModelSpeed:
        return ModelSpeed(
            prompt_tokens_per_second=rounded(self.prompt_rate, 1),
            generation_tokens_per_second=rounded(self.generation_rate, 1),
            load_seconds=rounded(self.load_seconds, 2),
        )


def rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _smooth(old: float | None, new: float | None) -> float | None:
    if new is None or old is None:
        return old if new is None else new
    return old + _SMOOTHING * (new - old)
