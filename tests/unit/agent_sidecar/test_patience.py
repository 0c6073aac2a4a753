"""How long a backend may be silent."""

import asyncio

import pytest
from pydantic import JsonValue

from agent_sidecar.patience import Expectation, Patience, first_token_limit, load_allowance, silent_tokens
from agent_sidecar.watchdog import Stop, Watchdog
from bus.messages import BackendKind

PATIENCE = Patience(first_token_seconds=60, stall_seconds=30, load_bytes_per_second=100e6)


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [
        (Expectation(warm=True, size_bytes=40_000_000_000, load_seconds=90), 0),
        (Expectation(size_bytes=40_000_000_000), 400),
        (Expectation(size_bytes=40_000_000_000, load_seconds=90), 270),
        (Expectation(), 0),
    ],
)
def test_loading_is_allowed_for_by_what_was_measured_else_by_size(expected: Expectation, seconds: float) -> None:
    assert load_allowance(PATIENCE, expected) == pytest.approx(seconds)


def test_a_long_prompt_is_given_time_to_be_read() -> None:
    short = first_token_limit(PATIENCE, Expectation(warm=True), 30)
    assert short == pytest.approx(60.2)
    assert first_token_limit(PATIENCE, Expectation(warm=True), 300_000) > 1000
    fast = Expectation(warm=True, prompt_tokens_per_second=3000)
    assert first_token_limit(PATIENCE, fast, 300_000) == pytest.approx(160)


TOOLS: list[JsonValue] = [{"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize(
    ("kind", "options", "tokens"),
    [
        ("ollama", {}, 0),
        ("ollama", {"tools": []}, 0),
        ("ollama", {"tools": TOOLS}, 1000),
        ("ollama", {"tools": TOOLS, "num_predict": 300}, 300),
        ("ollama", {"tools": TOOLS, "num_predict": -1}, 1000),
        ("openai", {"tools": TOOLS}, 0),
    ],
)
def test_an_ollama_that_was_given_tools_is_silent_until_its_answer_is_whole(
    kind: BackendKind, options: dict[str, JsonValue], tokens: int
) -> None:
    assert silent_tokens(kind, options) == tokens


def test_what_is_written_in_silence_is_given_time() -> None:
    assert first_token_limit(PATIENCE, Expectation(warm=True), 0, 300) == pytest.approx(60 + 300 / 5)
    fast = Expectation(warm=True, generation_tokens_per_second=100)
    assert first_token_limit(PATIENCE, fast, 0, 300) == pytest.approx(60 + 9)


class Stopped:
    def __init__(self) -> None:
        self.why: Stop | None = None
        self.event = asyncio.Event()

    def __call__(self, why: Stop) -> None:
        self.why = why
        self.event.set()

    async def within(self, seconds: float) -> Stop | None:
        await asyncio.wait_for(self.event.wait(), seconds)
        return self.why


async def test_silence_before_the_first_token_is_a_stall() -> None:
    stopped = Stopped()
    Watchdog(first_seconds=0.05, stall_seconds=9, total_seconds=9, stop=stopped)
    assert await stopped.within(2) is Stop.STALLED


async def test_silence_after_it_is_measured_by_the_stricter_limit() -> None:
    stopped = Stopped()
    watchdog = Watchdog(first_seconds=60, stall_seconds=0.05, total_seconds=60, stop=stopped)
    watchdog.hear(output=True)
    assert await stopped.within(2) is Stop.STALLED


async def test_a_sign_of_life_without_output_keeps_the_first_limit() -> None:
    stopped = Stopped()
    watchdog = Watchdog(first_seconds=60, stall_seconds=0.01, total_seconds=0.1, stop=stopped)
    watchdog.hear(output=False)
    assert await stopped.within(2) is Stop.TIMED_OUT


async def test_progress_keeps_it_quiet_until_the_tasks_own_time_is_over() -> None:
    stopped = Stopped()
    watchdog = Watchdog(first_seconds=0.2, stall_seconds=0.2, total_seconds=0.6, stop=stopped)
    async with asyncio.timeout(5):
        while not stopped.event.is_set():
            watchdog.hear(output=True)
            await asyncio.sleep(0.01)
    assert stopped.why is Stop.TIMED_OUT


async def test_one_that_was_closed_says_nothing() -> None:
    stopped = Stopped()
    Watchdog(first_seconds=0.01, stall_seconds=0.01, total_seconds=0.01, stop=stopped).close()
    with pytest.raises(TimeoutError):
        await stopped.within(0.05)
