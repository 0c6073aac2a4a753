"""How an agent comes back by itself: with the models that work, from a slow disk, and when something else listens."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_sidecar.addresses import parse_address
from agent_sidecar.backends.builtin import weights
from agent_sidecar.backends.detect import DetectedBackend
from agent_sidecar.backends.ollama import OllamaBackend
from agent_sidecar.report import MOST_BYTES
from agent_sidecar.watch import MOST_MODELS
from bus import subjects
from bus.messages import AgentStatus, OfferReply, OfferVerdict, OutcomeStatus
from bus.nats_bus import NatsBus
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer, until
from tests.integration.agent_sidecar.misbehaving import STREAM, Exchange, Misbehaving, well
from tests.parts.ollama import MODEL, Ollama

pytestmark = pytest.mark.slow

Make = Callable[..., Misbehaving]

FAST = {"heartbeat_seconds": 0.05, "probe_seconds": 0.1, "models_seconds": 0.2}
BROKEN = "broken:1b"


async def broken_does_not_load(exchange: Exchange) -> None:
    if exchange.model == BROKEN:
        await exchange.answer("500 Internal Server Error", b'{"error":"unable to load model"}')
    else:
        await well(exchange)


async def test_a_model_that_fails_is_left_out_and_the_others_go_on(
    leader: Leader, start_agent: StartAgent, misbehaving: Make
) -> None:
    server = misbehaving("llama3", BROKEN)
    server.chat = broken_does_not_load
    await start_agent(OllamaBackend(await server.start()), **FAST)
    agent = await leader.registered("acacia")
    what = offer(model=BROKEN)
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    outcome = await leader.outcome(what)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.retryable) == ("backend_error", True)
    heard = await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE and len(h.models or ()) == 1)
    assert heard.models is not None
    assert [model.name for model in heard.models] == ["llama3"]
    assert "broken:1b is left out" in (heard.reason or "")
    assert "unable to load model" in (heard.reason or "")
    assert (await leader.offer(agent, offer(model=BROKEN))).verdict is OfferVerdict.UNABLE
    other = offer(model="llama3")
    assert (await leader.offer(agent, other)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(other)).status is OutcomeStatus.COMPLETED
    server.chat = well
    heard = await leader.heartbeat("acacia", lambda h: len(h.models or ()) == 2)
    assert (heard.status, heard.reason) == (AgentStatus.ONLINE, None)
    again = offer(model=BROKEN)
    assert (await leader.offer(agent, again)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(again)).status is OutcomeStatus.COMPLETED


async def test_a_model_that_is_gone_is_not_asked_any_more(leader: Leader, start_agent: StartAgent, misbehaving: Make) -> None:
    server = misbehaving(BROKEN)
    server.chat = broken_does_not_load
    await start_agent(OllamaBackend(await server.start()), **FAST)
    agent = await leader.registered("acacia")
    what = offer(model=BROKEN)
    await leader.offer(agent, what)
    await leader.outcome(what)
    await until(lambda: server.asked > 2)  # once by the attempt, and again to hear whether it is well
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DEGRADED)
    server.tags = b'{"models":[{"name":"llama3"}]}'
    heard = await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE)
    assert heard.reason is None


async def test_a_disk_that_is_slower_than_expected_is_waited_for_the_next_time(
    leader: Leader, start_agent: StartAgent, misbehaving: Make
) -> None:
    """Giving up ends the load, so that the same limit again would never see the model."""

    async def loads_slowly(exchange: Exchange) -> None:
        await asyncio.wait({asyncio.create_task(exchange.left())}, timeout=1.5)
        if not exchange.writer.is_closing():
            await well(exchange)

    server = misbehaving("llama3")
    server.chat, server.loaded = loads_slowly, ()
    await start_agent(OllamaBackend(await server.start()), first_token_seconds=0.5, **FAST)
    agent = await leader.registered("acacia")
    what = offer(model="llama3")
    await leader.offer(agent, what)
    outcome = await leader.outcome(what)
    assert outcome.error is not None
    assert outcome.error.code == "backend_stalled"
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DEGRADED)
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE, 30)
    again = offer(model="llama3")
    assert (await leader.offer(agent, again)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(again)).status is OutcomeStatus.COMPLETED


async def test_an_ollama_that_holds_its_answer_back_for_the_sake_of_tools_does_not_hang(
    leader: Leader, start_agent: StartAgent, misbehaving: Make
) -> None:
    async def thinks(exchange: Exchange) -> None:
        await asyncio.wait({asyncio.create_task(exchange.left())}, timeout=1)
        if not exchange.writer.is_closing():
            await well(exchange)

    server = misbehaving("llama3")
    server.chat = thinks
    await start_agent(OllamaBackend(await server.start()), first_token_seconds=0.3, **FAST)
    agent = await leader.registered("acacia")
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
    what = offer(model="llama3", options={"tools": tools, "num_predict": 100})
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(what)).status is OutcomeStatus.COMPLETED


@pytest.mark.parametrize("tags", [b"<html>hello</html>", b"[]", b'{"models":[{"size":3}]}', b'{"models":"none"}'], ids=range(4))
async def test_a_list_of_models_that_is_nonsense_degrades_the_agent(
    leader: Leader, start_agent: StartAgent, misbehaving: Make, tags: bytes
) -> None:
    server = misbehaving("llama3")
    good, server.tags = server.tags, tags
    await start_agent(OllamaBackend(await server.start()), **FAST)
    heard = await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DEGRADED)
    assert "no Ollama answers" in (heard.reason or "")
    server.tags = good
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE)


async def test_models_that_no_message_can_carry_are_passed_over(
    leader: Leader, start_agent: StartAgent, misbehaving: Make
) -> None:
    server = misbehaving("llama3", "a\x00b", "x" * 300, "", "\x1b[2J", *(f"model-{number}" for number in range(50_000)))
    server.loaded = ()
    await start_agent(OllamaBackend(await server.start()), **FAST)
    heard = await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE and h.models is not None)
    assert [model.name for model in heard.models or ()][:2] == ["llama3", "model-0"]
    assert len(heard.models or ()) == MOST_MODELS


async def test_an_agent_whose_reports_are_not_taken_takes_no_more_work_until_they_are(
    leader: Leader, start_agent: StartAgent, misbehaving: Make, nats_bus: NatsBus
) -> None:
    """Else they would fill its memory."""

    much = "x" * (MOST_BYTES // 5)

    async def says_much(exchange: Exchange) -> None:
        await exchange.raw(STREAM)
        await exchange.say(much)
        await exchange.chunk(b'{"done":true}\n')
        await exchange.raw(b"0\r\n\r\n")

    server = misbehaving("llama3")
    server.chat = says_much
    sidecar = await start_agent(OllamaBackend(await server.start()), **FAST)
    agent = await leader.registered("acacia")

    async def takes() -> OfferReply:
        reply = await leader.offer(agent, offer(model="llama3"))
        await until(lambda: sidecar.runner.busy == 0)
        return reply

    streams = nats_bus.client.jetstream()
    config = (await streams.stream_info(subjects.OUTCOMES)).config
    await streams.update_stream(config.evolve(max_msgs=1))
    try:
        verdicts = [(await takes()).verdict for _ in range(6)]  # the stream takes one, the memory five
        assert verdicts == [OfferVerdict.ACCEPTED] * 6
        reply = await takes()
        assert (reply.verdict, reply.reason) == (OfferVerdict.UNABLE, "the bus does not acknowledge its reports")
    finally:
        await streams.update_stream(config)
    await leader.heartbeat("acacia", lambda h: not h.running)
    assert (await takes()).verdict is OfferVerdict.ACCEPTED


async def test_a_model_whose_file_is_damaged_is_left_out_until_it_is_whole(
    leader: Leader, start_agent: StartAgent, tmp_path: Path
) -> None:
    """With the real Ollama: it lists the model, and cannot load it."""
    binary, gguf = shutil.which("ollama"), weights()
    if binary is None or gguf is None:
        pytest.skip("there is no `ollama` on PATH, or no small model")
    own = Ollama(binary, tmp_path / "ollama")
    try:
        await asyncio.to_thread(own.start)
        await asyncio.to_thread(own.make_model)
        blobs = set((tmp_path / "ollama" / "models" / "blobs").iterdir())
        other = tmp_path / "other.gguf"  # with a blob of its own
        other.write_bytes(gguf.read_bytes()[:-1] + b"\1")
        await asyncio.to_thread(own.make_model, "broken:latest", other)
        (blob,) = (
            b for b in (tmp_path / "ollama" / "models" / "blobs").iterdir() if b not in blobs and b.stat().st_size > 10**6
        )
        whole = blob.read_bytes()
        blob.write_bytes(whole[: len(whole) // 2])
        await start_agent(OllamaBackend(parse_address(own.url)), heartbeat_seconds=0.1, probe_seconds=0.2, models_seconds=0.5)
        agent = await leader.registered("acacia")
        what = offer(model="broken:latest")
        assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
        outcome = await leader.outcome(what)
        assert outcome.error is not None
        assert (outcome.error.code, outcome.retryable) == ("backend_error", True)
        heard = await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE and bool(h.models))
        assert [model.name for model in heard.models or ()] == [MODEL]
        blob.write_bytes(whole)
        await leader.heartbeat("acacia", lambda h: len(h.models or ()) == 2)
        again = offer(model="broken:latest")
        assert (await leader.offer(agent, again)).verdict is OfferVerdict.ACCEPTED
        assert (await leader.outcome(again)).status is OutcomeStatus.COMPLETED
    finally:
        await asyncio.to_thread(own.stop)


async def test_something_else_at_the_address_is_found_out(leader: Leader, start_agent: StartAgent, misbehaving: Make) -> None:
    """An Ollama makes room for a server that speaks OpenAI's API, on the same port."""
    server = misbehaving("llama3")
    backend = DetectedBackend(await server.start())
    await start_agent(backend, **FAST)
    assert (await leader.registered("acacia")).backend == "ollama"
    server.becomes_openai()
    registered = await until(lambda: next((r for r in leader.registrations if r.backend == "openai"), None))
    assert [model.name for model in registered.models] == ["llama3"]
