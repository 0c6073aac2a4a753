"""The real Ollama behind an agent: what it tells, what it does when asked, and what happens when it hangs or goes."""

import asyncio
import shutil
from pathlib import Path

import pytest

from agent_sidecar.addresses import parse_address
from agent_sidecar.backends.backend import Ask, Piece, Result
from agent_sidecar.backends.detect import DetectedBackend, detect
from agent_sidecar.backends.ollama import OllamaBackend
from bus.errors import ModelNotOnAgent
from bus.messages import AgentStatus, ChatMessage, ControlAction, OfferVerdict, OutcomeStatus
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer, until
from tests.integration.agent_sidecar.test_attempts import text_of
from tests.parts.ollama import MODEL, Ollama

pytestmark = pytest.mark.slow

LONG = {"num_predict": 1500, "temperature": 1, "seed": 1}
COUNT = "Count from one to a thousand, one number a line, in words."


def backend_of(ollama: Ollama) -> OllamaBackend:
    return OllamaBackend(parse_address(ollama.url))


async def test_an_attempt_on_ollama(leader: Leader, start_agent: StartAgent, ollama: Ollama) -> None:
    await start_agent(backend_of(ollama))
    agent = await leader.registered("acacia")
    assert (agent.backend, agent.endpoint, agent.slots, agent.model) == ("ollama", ollama.url, 1, MODEL)
    what = offer(model=MODEL)
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    chunks, outcome = await leader.ended(what), await leader.outcome(what)
    assert outcome.status is OutcomeStatus.COMPLETED
    assert text_of(chunks) == outcome.output.text != ""
    assert outcome.usage.prompt_tokens > 0
    assert 0 < outcome.usage.completion_tokens <= 16
    assert outcome.timings.load_seconds is not None
    assert (outcome.timings.generation_tokens_per_second or 0) > 0
    heard = await leader.heartbeat("acacia", lambda h: bool(h.models and h.models[0].loaded))
    assert heard.models is not None
    assert [(model.name, model.family) for model in heard.models] == [(MODEL, "llama")]


async def test_a_conversation_and_its_format_reach_ollama(ollama: Ollama) -> None:
    ask = Ask(
        model=MODEL,
        messages=(
            ChatMessage(role="system", content="You answer in JSON."),
            ChatMessage(role="user", content="Name a colour."),
        ),
        options={"num_predict": 40, "temperature": 0, "format": "json"},
    )
    items = [item async for item in backend_of(ollama).generate(ask)]
    text = "".join(item.text for item in items if isinstance(item, Piece))
    assert text.lstrip().startswith("{")
    assert isinstance(items[-1], Result)


async def test_an_option_of_the_wrong_type_is_refused_for_good(leader: Leader, start_agent: StartAgent, ollama: Ollama) -> None:
    await start_agent(backend_of(ollama))
    agent = await leader.registered("acacia")
    what = offer(model=MODEL, options={"num_predict": "many"})
    await leader.offer(agent, what)
    outcome = await leader.outcome(what)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.retryable) == ("backend_refused", False)
    assert "num_predict" in outcome.error.message


async def test_a_model_that_is_not_there_may_be_elsewhere(ollama: Ollama) -> None:
    ask = Ask(model="never-pulled", messages=(ChatMessage(role="user", content="Hi"),))
    with pytest.raises(ModelNotOnAgent, match="never-pulled"):
        _ = [item async for item in backend_of(ollama).generate(ask)]


async def test_a_cancel_stops_ollama(leader: Leader, start_agent: StartAgent, ollama: Ollama) -> None:
    await start_agent(backend_of(ollama))
    agent = await leader.registered("acacia")
    what = offer(COUNT, model=MODEL, options=LONG)
    await leader.offer(agent, what)
    await leader.first_words(what)
    assert (await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id)).running
    assert (await leader.outcome(what)).status is OutcomeStatus.CANCELLED
    runner = ollama.processes()[1]

    async def rests() -> None:
        while await asyncio.to_thread(runner.cpu_percent, 0.3) > 20:
            pass

    await asyncio.wait_for(rests(), 20)


async def test_a_model_is_unloaded_when_asked(leader: Leader, start_agent: StartAgent, ollama: Ollama) -> None:
    await start_agent(backend_of(ollama), heartbeat_seconds=0.1)
    agent = await leader.registered("acacia")
    what = offer(model=MODEL)
    await leader.offer(agent, what)
    await leader.outcome(what)
    await leader.heartbeat("acacia", lambda h: bool(h.models and h.models[0].loaded))
    reply = await leader.control("acacia", ControlAction.UNLOAD, model=MODEL)
    assert reply.ok
    await leader.heartbeat("acacia", lambda h: bool(h.models and not h.models[0].loaded))


@pytest.mark.parametrize("server", [True, False], ids=["all of it", "only what holds the model"])
async def test_a_backend_that_hangs_is_given_up_and_comes_back(
    leader: Leader, start_agent: StartAgent, ollama: Ollama, *, server: bool
) -> None:
    await start_agent(backend_of(ollama), heartbeat_seconds=0.1, stall_seconds=1, probe_seconds=0.2, models_seconds=0.5)
    agent = await leader.registered("acacia")
    what = offer(COUNT, model=MODEL, options=LONG)
    await leader.offer(agent, what)
    await leader.first_words(what)
    with ollama.frozen(server=server):
        outcome = await leader.outcome(what)
        assert outcome.error is not None
        assert (outcome.status, outcome.error.code, outcome.retryable) == (OutcomeStatus.FAILED, "backend_stalled", True)
        assert outcome.output.text
        heard = await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DEGRADED)
        assert "no token" in (heard.reason or "")
        assert (await leader.offer(agent, offer(model=MODEL))).verdict is OfferVerdict.UNABLE
        # Still so after the backend was looked at again.
        await asyncio.gather(*(leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DEGRADED) for _ in range(5)))
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE)
    again = offer(model=MODEL)
    assert (await leader.offer(agent, again)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(again)).status is OutcomeStatus.COMPLETED


async def _loaded(ollama: Ollama) -> None:
    """Without a sidecar's limits: a machine that is busy may take longer for it than a test's agent is patient."""
    ask = Ask(model=MODEL, messages=(ChatMessage(role="user", content="Hi"),), options={"num_predict": 1})
    assert isinstance([item async for item in backend_of(ollama).generate(ask)][-1], Result)


async def test_a_backend_that_hangs_before_its_first_token_is_given_up(
    leader: Leader, start_agent: StartAgent, ollama: Ollama
) -> None:
    await _loaded(ollama)
    await start_agent(backend_of(ollama), first_token_seconds=0.7, probe_seconds=0.2)
    agent = await leader.registered("acacia")
    assert [model.loaded for model in agent.models] == [True]
    with ollama.frozen():
        what = offer(model=MODEL)
        assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
        outcome = await leader.outcome(what, seconds=20)
        assert outcome.error is not None
        assert (outcome.error.code, outcome.retryable, outcome.output.text) == ("backend_stalled", True, "")
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE)


async def test_a_killed_ollama_fails_its_attempts_and_a_new_one_is_used(
    leader: Leader, start_agent: StartAgent, tmp_path: Path
) -> None:
    binary = shutil.which("ollama")
    if binary is None:
        pytest.skip("there is no `ollama` on PATH")
    own = Ollama(binary, tmp_path / "ollama")
    backend = DetectedBackend(parse_address(own.url))
    await start_agent(backend, heartbeat_seconds=0.1, probe_seconds=0.2)
    agent = await leader.registered("acacia")
    heard = await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DEGRADED)
    assert "nothing listens" in (heard.reason or "")
    try:
        await asyncio.to_thread(own.start)
        await asyncio.to_thread(own.make_model)
        await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE)
        await until(lambda: backend.kind == "ollama")
        what = offer(COUNT, model=MODEL, options=LONG)
        await leader.heartbeat("acacia", lambda h: bool(h.models))
        assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
        await leader.first_words(what)
        own.kill()
        outcome = await leader.outcome(what)
        assert outcome.error is not None
        assert (outcome.error.code, outcome.retryable) == ("backend_unreachable", True)
        await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DEGRADED)
        await asyncio.to_thread(own.start)
        await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE)
    finally:
        own.stop()


async def test_ollama_is_found_out(ollama: Ollama) -> None:
    assert await detect(parse_address(ollama.url)) == "ollama"
