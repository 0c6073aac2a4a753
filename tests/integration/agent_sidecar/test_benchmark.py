"""A benchmark of a real Ollama: what it finds, what it tells on its way, and that work goes first."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent_sidecar import benchmark, measuring
from agent_sidecar.addresses import parse_address
from agent_sidecar.backends.ollama import OllamaBackend
from agent_sidecar.measured import Measured
from bus.messages import AgentRegistration, ControlAction, OfferVerdict, OutcomeStatus
from bus.messages.benchmarks import BenchmarkStatus
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer, until
from tests.integration.agent_sidecar.misbehaving import Exchange, Misbehaving
from tests.parts.ollama import MODEL, Ollama

pytestmark = pytest.mark.slow

Make = Callable[..., Misbehaving]
FAST = {"heartbeat_seconds": 0.05}
RELOAD = {"id": "6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e", "trigger": "request", "reload": True}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that many tests share reads and writes slowly."""
    monkeypatch.setattr(benchmark, "LONG_PROMPT_WORDS", 10)
    monkeypatch.setattr(benchmark, "TOKENS", 12)


async def begun(leader: Leader, model: str = MODEL, **order: object) -> None:
    """A benchmark that has the backend to itself."""
    reply = await leader.control("acacia", ControlAction.BENCHMARK, model=model, **order)
    assert reply.ok, reply.message
    await leader.heartbeat("acacia", lambda h: h.measuring)


async def ready(leader: Leader, start_agent: StartAgent, ollama: Ollama, **more: object) -> AgentRegistration:
    await start_agent(OllamaBackend(parse_address(ollama.url)), **FAST, **more)
    return await leader.registered("acacia")


async def test_a_benchmark_finds_rates_load_and_scaling_and_tells_each_step(
    leader: Leader, start_agent: StartAgent, ollama: Ollama
) -> None:
    await ready(leader, start_agent, ollama, slots=2)
    await begun(leader, benchmark=RELOAD)
    found = await leader.benchmark_ended()
    assert (found.status, found.progress, found.error) == (BenchmarkStatus.COMPLETED, 1.0, None)
    assert str(found.id) == RELOAD["id"]
    figures = (
        found.load_seconds,
        found.prompt_tokens_per_second,
        found.generation_tokens_per_second,
        found.time_to_first_token_seconds,
    )
    assert all(figure is not None and figure > 0 for figure in figures)
    assert set(found.parallel_tokens_per_second) == {1, 2}  # up to the slots that a person set
    assert found.slots in (1, 2)
    told = [each.progress for each in leader.benchmarks]
    assert (len(told) > 4, told) == (True, sorted(told))
    assert {each.step for each in leader.benchmarks} >= {"loading the model", "writing", "writing 2 answers at once"}
    heard = await leader.heartbeat("acacia", lambda h: not h.measuring)
    assert heard.slots == 2


async def test_a_benchmark_that_nobody_asked_for_leaves_the_slots_as_they_are(
    leader: Leader, start_agent: StartAgent, ollama: Ollama, tmp_path: Path
) -> None:
    await ready(leader, start_agent, ollama)
    await begun(leader, benchmark={**RELOAD, "trigger": "new", "reload": False})
    found = await leader.benchmark_ended()
    assert (found.status, found.slots is None) == (BenchmarkStatus.COMPLETED, False)
    kept = Measured(tmp_path / "sidecar" / "acacia.json")
    assert (kept.findings.slots, kept.model(MODEL).slots) == (None, None)
    assert kept.model(MODEL).generation_tokens_per_second == found.generation_tokens_per_second


async def test_a_benchmark_gives_way_to_an_attempt_that_is_offered_all_the_same(
    leader: Leader, start_agent: StartAgent, ollama: Ollama
) -> None:
    agent = await ready(leader, start_agent, ollama)
    await begun(leader)
    what = offer(model=MODEL)
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(what)).status is OutcomeStatus.COMPLETED
    found = await leader.benchmark_ended()
    assert (found.status, found.error) == (BenchmarkStatus.INTERRUPTED, "It gave way to a task.")
    assert not (await leader.heartbeat("acacia", lambda h: True)).measuring


async def test_a_benchmark_that_is_told_to_yield_frees_the_backend(
    leader: Leader, start_agent: StartAgent, ollama: Ollama
) -> None:
    await ready(leader, start_agent, ollama)
    await begun(leader)
    assert (await leader.control("acacia", ControlAction.YIELD)).running
    assert (await leader.benchmark_ended()).status is BenchmarkStatus.INTERRUPTED
    assert not (await leader.control("acacia", ControlAction.YIELD)).running


async def test_nothing_is_measured_beside_an_attempt_or_another_benchmark(
    leader: Leader, start_agent: StartAgent, ollama: Ollama
) -> None:
    agent = await ready(leader, start_agent, ollama)
    what = offer(model=MODEL, options={"num_predict": 400, "temperature": 0})
    await leader.offer(agent, what)
    await leader.first_words(what)
    refused = await leader.control("acacia", ControlAction.BENCHMARK, model=MODEL)
    assert (refused.ok, "1 attempts" in refused.message) == (False, True)
    await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id)
    await leader.outcome(what)
    await begun(leader)
    refused = await leader.control("acacia", ControlAction.BENCHMARK, model=MODEL)
    assert (refused.ok, "measured already" in refused.message) == (False, True)
    assert not (await leader.control("acacia", ControlAction.BENCHMARK)).ok


async def test_a_benchmark_that_fails_says_why_and_one_that_hangs_ends_in_its_time(
    leader: Leader, start_agent: StartAgent, misbehaving: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(exchange: Exchange) -> None:
        await exchange.answer("500 Internal Server Error", b'{"error":"out of memory"}')

    async def hangs(exchange: Exchange) -> None:
        await exchange.left()

    server = misbehaving("llama3")
    await start_agent(OllamaBackend(await server.start()), **FAST)
    await leader.registered("acacia")
    server.chat = fails
    assert (await leader.control("acacia", ControlAction.BENCHMARK, model="llama3")).ok
    found = await leader.benchmark_ended()
    assert found.status is BenchmarkStatus.FAILED
    assert "out of memory" in (found.error or "")
    leader.benchmarks.clear()
    server.chat = hangs
    monkeypatch.setattr(measuring, "MOST_SECONDS", 0.2)
    await until(lambda: not leader.heartbeats[-1].measuring)
    assert (await leader.control("acacia", ControlAction.BENCHMARK, model="llama3")).ok
    found = await leader.benchmark_ended()
    assert (found.status, found.error) == (BenchmarkStatus.FAILED, "It did not end within 0.2 s.")
