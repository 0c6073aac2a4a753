"""Models that failed although their backend answers: they are not offered until they speak again. Pure.

A model that does not load would else be given task after task, and must not keep the other models of its host from working.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bus.messages import ModelInfo
from bus.model_names import tagged

LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """`due`: when the model is asked for a word again, in seconds of a monotonic clock."""

    reason: str
    failures: int
    due: float


class Suspects:
    """`pause_seconds` lie between two tries with a model; they double with every failure, up to LONGEST_PAUSE_SECONDS."""

    def __init__(self, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._held: dict[str, Suspicion] = {}

    def failed(self, model: str, reason: str, now: float) -> None:
        """It was asked for a word, and failed again."""
        known = self._held.get(tagged(model))
        failures = 1 if known is None else known.failures + 1
        pause = min(self._pause_seconds * 2.0 ** min(failures, 16), max(LONGEST_PAUSE_SECONDS, self._pause_seconds))
        self._held[tagged(model)] = Suspicion(reason=reason, failures=failures, due=now + pause)

    def clear(self, model: str) -> None:
        """It spoke."""
        self._held.pop(tagged(model), None)

    def forget_all_but(self, models: Iterable[ModelInfo]) -> None:
        """What the backend does not list any more cannot be asked."""
        listed = {tagged(model.name) for model in models}
        self._held = {model: held for model, held in self._held.items() if model in listed}

    def holds(self, model: str) -> bool:
        return tagged(model) in self._held

    def due(self, now: float) -> tuple[str, ...]:
        return tuple(model for model, held in self._held.items() if held.due <= now)

    def offered(self, models: Iterable[ModelInfo]) -> tuple[ModelInfo, ...]:
        """Those that work, as far as is known."""
        return tuple(model for model in models if not self.holds(model.name))

    @property
    def reason(self) -> str | None:
        """What is left out and why, for a person."""
        return " ".join(f"{model} is left out: {held.reason}" for model, held in self._held.items()) or None
