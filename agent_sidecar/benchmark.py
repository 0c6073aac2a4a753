"""Measures how fast a backend is with one model, and how many attempts at once it is good for."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final

from agent_sidecar.backends.backend import Ask, Backend, Result
from bus.errors import BackendError, BackendStalled, HiveError
from bus.messages import ChatMessage
from bus.messages.benchmarks import BenchmarkFigures
from bus.model_names import same_model
from bus.together import end

PARALLEL: Final = (1, 2, 4, 8, 16)
WORTH_IT: Final = 1.15
"""More attempts at once make each of them slower, so each doubling must gain the whole this factor."""
BEYOND_SECONDS: Final = 60.0
"""That a try may take beyond a doubling which gained nothing."""
RUN_SECONDS: Final = 300.0
TOKENS: Final = 48
LONG_PROMPT_WORDS: Final = 80

Told = Callable[[str, float, BenchmarkFigures], None]
"""What is measured next, how much is done, from 0 to 1, and what was found so far."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One generation: seconds, and counts by the backend."""

    result: Result
    first_token_seconds: float
    total_seconds: float


def best_slots(rates: Mapping[int, float]) -> int:
    """The last number of attempts at once that was worth it, from tokens per second of all together by number.

    One that gained nothing is passed over where the next gains as much as both have to.
    """
    numbers = sorted(rates)
    best = 0
    for place, number in enumerate(numbers):
        if rates[number] >= rates[numbers[best]] * WORTH_IT ** (place - best):
            best = place
    return numbers[best]


def next_number(rates: Mapping[int, float], limit: int) -> int | None:
    """Of attempts at once to try next, at most `limit`; None once it is known.

    After a doubling that gained nothing one more is tried, where that does not take long: many GPUs write to two no faster than to
    one, and to eight much faster.
    """
    last = max(rates)
    in_vain = PARALLEL.index(last) - PARALLEL.index(best_slots(rates))
    number = last * 2
    if in_vain > 1 or number > min(limit, PARALLEL[-1]):
        return None
    return None if in_vain and number * TOKENS > rates[last] * BEYOND_SECONDS else number


class Benchmark:
    """`run` it once: it takes the backend for itself. Cancelled, it ends its generations at the backend.

    `most_slots` bounds the generations at once; None: PARALLEL does.
    """

    def __init__(
        self, backend: Backend, model: str, told: Told, *, reload: bool = False, most_slots: int | None = None
    ) -> None:
        self._backend, self._model, self._told = backend, model, told
        self._reload, self._most_slots = reload, most_slots
        self._found = BenchmarkFigures()

    async def run(self) -> BenchmarkFigures:
        """The error of a generation that fails is raised."""
        self._tell("loading the model", 0.0)
        self._note(load_seconds=await self._load())
        self._tell("reading a prompt", 0.2)
        self._note(prompt_tokens_per_second=_prompt_rate(await self._generate(_long_prompt(), 1)))
        self._tell("writing", 0.4)
        writing = await self._generate(_prompt(0), TOKENS)
        self._note(
            generation_tokens_per_second=_generation_rate(writing), time_to_first_token_seconds=writing.first_token_seconds
        )
        await self._scale(writing.result.usage.completion_tokens / writing.total_seconds)
        return self._found

    def _note(self, **found: object) -> None:
        self._found = self._found.model_copy(update=found)

    def _tell(self, step: str, progress: float) -> None:
        self._told(step, progress, self._found)

    async def _load(self) -> float | None:
        """Seconds to load the model; None when it was in memory already."""
        if self._reload:
            with suppress(HiveError):  # a backend that unloads nothing on demand
                await self._backend.unload(self._model)
        cold = not await self._is_loaded()
        run = await self._generate("Hi", 1)
        return (run.result.timings.load_seconds or run.first_token_seconds) if cold else None

    async def _is_loaded(self) -> bool:
        return any(found.loaded for found in await self._backend.models() if same_model(found.name, self._model))

    async def _scale(self, rate: float) -> None:
        """Doubles the attempts at once for as long as that is worth it, from one that wrote `rate` tokens a second."""
        limit = self._most_slots or await self._backend.slots() or PARALLEL[-1]
        rates = {1: rate}
        self._note(parallel_tokens_per_second=dict(rates), slots=1)
        while (number := next_number(rates, limit)) is not None:
            self._tell(f"writing {number} answers at once", 0.5 + 0.5 * PARALLEL.index(number) / len(PARALLEL))
            rates[number] = await self._rate(number)
            self._note(parallel_tokens_per_second=dict(rates), slots=best_slots(rates))

    async def _rate(self, number: int) -> float:
        """Tokens per second of so many generations together."""
        started = monotonic()
        tasks = [asyncio.create_task(self._generate(_prompt(index + number), TOKENS)) for index in range(number)]
        try:
            runs = await asyncio.gather(*tasks)
        finally:
            await end(tasks)
        return sum(run.result.usage.completion_tokens for run in runs) / (monotonic() - started)

    async def _generate(self, prompt: str, tokens: int) -> Run:
        ask = Ask(
            model=self._model,
            messages=(ChatMessage(role="user", content=prompt),),
            options={"num_predict": tokens, "temperature": 0},
        )
        started, first = monotonic(), None
        try:
            async with asyncio.timeout(RUN_SECONDS), aclosing(self._backend.generate(ask)) as items:
                async for item in items:
                    if isinstance(item, Result):
                        total = monotonic() - started
                        return Run(result=item, first_token_seconds=first if first is not None else total, total_seconds=total)
                    if first is None and (item.text or item.thinking):
                        first = monotonic() - started
        except TimeoutError:
            raise BackendStalled(
                f"{self._model} did not write {tokens} tokens within {RUN_SECONDS:.0f} s. Measure a smaller model."
            ) from None
        raise BackendError("The backend ended a measured answer without its final message. See its log.")


def _prompt(number: int) -> str:
    """Each begins differently, so that no backend answers from its cache."""
    return f"List number {number}: count upwards from {number} to a thousand, one number a line."


def _long_prompt() -> str:
    words = " ".join(f"word{int(monotonic() * 1e6 + index) % 9973}" for index in range(LONG_PROMPT_WORDS))
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
