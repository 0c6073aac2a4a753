"""Measures how fast a backend is with one model, and how many attempts at once it is good for."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import Final

from agent_sidecar.backends.backend import Ask, Backend, Result
from agent_sidecar.measured import ModelSpeed
from bus.errors import BackendError, BackendStalled
from bus.messages import ChatMessage
from bus.model_names import same_model

PARALLEL: Final = (1, 2, 4, 8, 16)
WORTH_IT: Final = 1.15
"""More attempts at once make each of them slower, so they must gain the whole this factor."""
RUN_SECONDS: Final = 300.0
_TOKENS: Final = 48
_LONG_PROMPT_WORDS: Final = 80


@dataclass(frozen=True, kw_only=True)
class Run:
    """One generation: seconds, and counts by the backend."""

    result: Result
    first_token_seconds: float
    total_seconds: float


def best_slots(rates: Mapping[int, float]) -> int:
    """The last number of attempts at once that was worth it, from tokens per second of all together by number."""
    numbers = sorted(rates)
    best = numbers[0]
    for number in numbers[1:]:
        if rates[number] < rates[best] * WORTH_IT:
            break
        best = number
    return best


async def benchmark(backend: Backend, model: str) -> ModelSpeed:
    """Takes the backend for itself. The error of a generation that fails is raised."""
    load_seconds = await _load(backend, model)
    reading = await _run(backend, model, _long_prompt(), 1)
    writing = await _run(backend, model, _prompt(0), _TOKENS)
    rates = await _scaling(backend, model)
    return ModelSpeed(
        load_seconds=load_seconds,
        prompt_tokens_per_second=_prompt_rate(reading),
        generation_tokens_per_second=_generation_rate(writing),
        time_to_first_token_seconds=writing.first_token_seconds,
        parallel_tokens_per_second=rates,
        slots=best_slots(rates),
    )


async def _load(backend: Backend, model: str) -> float | None:
    """Seconds to load the model; None when it was in memory already."""
    cold = not any(found.loaded for found in await backend.models() if same_model(found.name, model))
    run = await _run(backend, model, "Hi", 1)
    return (run.result.timings.load_seconds or run.first_token_seconds) if cold else None


async def _scaling(backend: Backend, model: str) -> dict[int, float]:
    """Doubles the attempts at once for as long as that is worth it."""
    limit = await backend.slots() or PARALLEL[-1]
    rates: dict[int, float] = {}
    for number in PARALLEL:
        if number > limit:
            break
        started = monotonic()
        runs = await asyncio.gather(*(_run(backend, model, _prompt(index + number), _TOKENS) for index in range(number)))
        tokens = sum(run.result.usage.completion_tokens for run in runs)
        rates[number] = tokens / (monotonic() - started)
        if best_slots(rates) != number:
            break
    return rates


async def _run(backend: Backend, model: str, prompt: str, tokens: int) -> Run:
    ask = Ask(
        model=model,
        messages=(ChatMessage(role="user", content=prompt),),
        options={"num_predict": tokens, "temperature": 0},
    )
    started, first = monotonic(), None
    try:
        async with asyncio.timeout(RUN_SECONDS), aclosing(backend.generate(ask)) as items:
            async for item in items:
                if isinstance(item, Result):
                    total = monotonic() - started
                    return Run(result=item, first_token_seconds=first if first is not None else total, total_seconds=total)
                if first is None and (item.text or item.thinking):
                    first = monotonic() - started
    except TimeoutError:
        raise BackendStalled(
            f"{model} did not write {tokens} tokens within {RUN_SECONDS:.0f} s. Measure a smaller model."
        ) from None
    raise BackendError("The backend ended a measured answer without its final message. See its log.")


def _prompt(number: int) -> str:
    """Each begins differently, so that no backend answers from its cache."""
    return f"List number {number}: count upwards from {number} to a thousand, one number a line."


def _long_prompt() -> str:
    words = " ".join(f"word{int(monotonic() * 1e6 + index) % 9973}" for index in range(_LONG_PROMPT_WORDS))
    return f"{words}\nSay how many words these are."


def _prompt_rate(run: Run) -> float | None:
    told = run.result.timings.prompt_tokens_per_second
    tokens = run.result.usage.prompt_tokens
    return told or (tokens / run.first_token_seconds if tokens and run.first_token_seconds else None)


def _generation_rate(run: Run) -> float | None:
    told = run.result.timings.generation_tokens_per_second
    seconds = run.total_seconds - run.first_token_seconds
    tokens = run.result.usage.completion_tokens
    return told or (tokens / seconds if tokens and seconds > 0 else None)


def sentence(agent_id: str, model: str, speed: ModelSpeed) -> str:
    """What was measured, for a person."""
    prompt, generation = speed.prompt_tokens_per_second or 0, speed.generation_tokens_per_second or 0
    return (
        f"{model} on {agent_id} reads {prompt:.0f} and writes {generation:.0f} tokens a second, "
        f"the first after {speed.time_to_first_token_seconds or 0:.2f} s; best with {speed.slots or 1} at once."
    )
