"""How long a backend may be silent before it counts as hung. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from bus.messages import BackendKind, ModelInfo
from bus.messages.benchmarks import BenchmarkFigures

CHARACTERS_PER_TOKEN: Final = 3
_SLOWEST_PROMPT_RATE: Final = 50.0
"""Tokens per second of a prompt, expected where nothing was measured: a CPU with a model of a few billion parameters."""
_SLOWEST_WRITING_RATE: Final = 5.0
"""Tokens per second of an answer, expected where nothing was measured: the same."""
_ANSWER_TOKENS: Final = 1000
"""Of an answer that the task does not bound."""
_MARGIN: Final = 3.0
"""A load or a prompt may take this much longer than measured: another model's unload, a busy disk."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """What does not depend on the task, in seconds and bytes per second."""

    first_token_seconds: float
    stall_seconds: float
    load_bytes_per_second: float


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What is known about the model on this backend. None where nothing is."""

    warm: bool = False
    size_bytes: int | None = None
    load_seconds: float | None = None
    prompt_tokens_per_second: float | None = None
    generation_tokens_per_second: float | None = None


def expectation(model: ModelInfo | None, speed: BenchmarkFigures) -> Expectation:
    """From what the backend tells of the model and what was measured of it."""
    return Expectation(
        warm=model is not None and model.loaded,
        size_bytes=model.size_bytes if model else None,
        load_seconds=speed.load_seconds,
        prompt_tokens_per_second=speed.prompt_tokens_per_second,
        generation_tokens_per_second=speed.generation_tokens_per_second,
    )


def load_allowance(patience: Patience, expected: Expectation) -> float:
    """Seconds for loading: none when warm, else by what was measured, else by the model's size."""
    if expected.warm:
        return 0.0
    if expected.load_seconds is not None:
        return expected.load_seconds * _MARGIN
    return (expected.size_bytes or 0) / patience.load_bytes_per_second


def silent_tokens(kind: BackendKind, options: Mapping[str, JsonValue], *, tools: bool = False) -> int:
    """Tokens that are written before the first is sent: an Ollama before 0.8 holds back the whole answer of a model with tools,
    until it knows whether it calls one.
    """
    if kind != "ollama" or not (tools or options.get("tools")):
        return 0
    limit = options.get("num_predict")
    return limit if isinstance(limit, int) and limit > 0 else _ANSWER_TOKENS


def first_token_limit(patience: Patience, expected: Expectation, prompt_characters: int, silent: int = 0) -> float:
    """Seconds from the ask to the first token that are still no sign of a hang. `silent`: tokens that are written before it."""
    rate = expected.prompt_tokens_per_second
    prompt_tokens = prompt_characters / CHARACTERS_PER_TOKEN
    reading = prompt_tokens * _MARGIN / rate if rate else prompt_tokens / _SLOWEST_PROMPT_RATE
    speed = expected.generation_tokens_per_second
    writing = silent * _MARGIN / speed if speed else silent / _SLOWEST_WRITING_RATE
    return patience.first_token_seconds + load_allowance(patience, expected) + reading + writing
