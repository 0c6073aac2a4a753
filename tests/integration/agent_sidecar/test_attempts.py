"""An attempt from offer to outcome, on the real built-in model over a real bus."""

import asyncio
from uuid import uuid4

from agent_sidecar.addresses import Address
from agent_sidecar.backends.openai import OpenAIBackend
from bus.messages import (
    AgentStatus,
    ControlAction,
    OfferVerdict,
    OutcomeStatus,
    OutputChunk,
)
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import EPOCH, Leader, offer, until

LONG = {"num_predict": 2000, "temperature": 0, "ignore_eos": True}
"""A generation that does not end by itself while a test looks on."""


def text_of(chunks: list[OutputChunk]) -> str:
    """Put together by the offsets, which must leave no gap and no overlap."""
    text = ""
    for chunk in chunks:
        assert chunk.offset == len(text)
        text += chunk.text
    return text


async def test_an_attempt_streams_its_text_and_ends_with_one_outcome(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    assert agent.slots == 2
    assert [model.name for model in agent.models] == ["smollm2:135m"]
    what = offer()
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    chunks, outcome = await leader.ended(what), await leader.outcome(what)
    assert outcome.status is OutcomeStatus.COMPLETED
    assert outcome.output.text
    assert text_of(chunks) == outcome.output.text
    assert chunks[-1].end is OutcomeStatus.COMPLETED
    assert 0 < outcome.usage.completion_tokens <= 16
    assert outcome.usage.prompt_tokens > 0
    timings = outcome.timings
    assert timings.total_seconds is not None
    assert timings.time_to_first_token_seconds is not None
    assert 0 < timings.time_to_first_token_seconds <= timings.total_seconds
    assert (timings.generation_tokens_per_second or 0) > 0
    assert (timings.prompt_tokens_per_second or 0) > 0


async def test_deltas_are_coalesced(leader: Leader, start_agent: StartAgent, builtin_server: Address) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    what = offer(options={"num_predict": 60, "temperature": 0, "ignore_eos": True})
    await leader.offer(agent, what)
    chunks, outcome = await leader.ended(what), await leader.outcome(what)
    assert text_of(chunks) == outcome.output.text
    assert len(chunks) <= outcome.usage.completion_tokens + 1


async def test_a_repeated_offer_is_the_same_attempt(leader: Leader, start_agent: StartAgent, builtin_server: Address) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    what = offer()
    assert [(await leader.offer(agent, what)).verdict for _ in range(3)] == [OfferVerdict.ACCEPTED] * 3
    await leader.ended(what)
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    assert len([chunk for chunk in leader.chunks[what.attempt_id] if chunk.end]) == 1


async def test_offers_beyond_the_slots_are_busy_and_stay_refused(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server), slots=1)
    agent = await leader.registered("acacia")
    running, late = offer(options=LONG), offer()
    await leader.offer(agent, running)
    assert (await leader.offer(agent, late)).verdict is OfferVerdict.BUSY
    await leader.control("acacia", ControlAction.CANCEL, attempt_id=running.attempt_id)
    await leader.outcome(running)
    assert (await leader.offer(agent, late)).verdict is OfferVerdict.BUSY
    again = offer()
    assert (await leader.offer(agent, again)).verdict is OfferVerdict.ACCEPTED
    await leader.outcome(again)


async def test_a_leader_of_the_past_is_refused(leader: Leader, start_agent: StartAgent, builtin_server: Address) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    first = offer()
    await leader.offer(agent, first)
    reply = await leader.offer(agent, offer(epoch=EPOCH - 1))
    assert reply.verdict is OfferVerdict.UNABLE
    assert "epoch" in reply.reason
    await leader.outcome(first)


async def test_a_cancel_ends_the_work_at_the_backend(leader: Leader, start_agent: StartAgent, builtin_server: Address) -> None:
    backend = OpenAIBackend(builtin_server)
    await start_agent(backend)
    agent = await leader.registered("acacia")
    what = offer(options=LONG)
    await leader.offer(agent, what)
    await leader.first_words(what)
    reply = await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id)
    assert (reply.ok, reply.running) == (True, True)
    outcome = await leader.outcome(what)
    assert outcome.status is OutcomeStatus.CANCELLED
    assert outcome.output.text
    chunks = await leader.ended(what)
    assert chunks[-1].end is OutcomeStatus.CANCELLED
    assert text_of(chunks) == outcome.output.text
    # Both of the server's slots are free again: two more attempts get their words side by side.
    both = [offer(), offer()]
    assert [(await leader.offer(agent, one)).verdict for one in both] == [OfferVerdict.ACCEPTED] * 2
    await asyncio.gather(*(leader.outcome(one, seconds=15) for one in both))


async def test_a_leader_that_was_deposed_cannot_stop_what_its_successor_began(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    what = offer(options=LONG)
    await leader.offer(agent, what)
    await leader.first_words(what)
    reply = await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id, epoch=EPOCH - 1)
    assert not reply.running
    reply = await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id, epoch=EPOCH)
    assert reply.running
    await leader.outcome(what)


async def test_what_was_cancelled_before_its_offer_does_not_begin(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    what = offer()
    reply = await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id)
    assert (reply.ok, reply.running) == (True, False)
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.UNABLE


async def test_an_attempt_past_its_time_fails_for_good(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    what = offer(options=LONG, seconds_left=0.5)
    await leader.offer(agent, what)
    outcome = await leader.outcome(what)
    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.retryable) == (OutcomeStatus.FAILED, "task_timeout", False)


async def test_an_output_over_the_bound_is_cut_at_it(leader: Leader, start_agent: StartAgent, builtin_server: Address) -> None:
    await start_agent(OpenAIBackend(builtin_server), output_bytes=1024)
    agent = await leader.registered("acacia")
    what = offer(options=LONG)
    await leader.offer(agent, what)
    outcome = await leader.outcome(what)
    assert (outcome.status, outcome.output.finish_reason) == (OutcomeStatus.COMPLETED, "length")
    assert 900 < len(outcome.output.model_dump_json()) < 1200
    assert text_of(await leader.ended(what)) == outcome.output.text


async def test_a_prompt_over_the_context_is_refused_for_good(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    what = offer("word " * 9000)
    await leader.offer(agent, what)
    outcome = await leader.outcome(what)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.retryable) == ("backend_refused", False)
    assert "context" in outcome.error.message


async def test_a_model_that_the_agent_lacks_is_refused_at_once(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    agent = await leader.registered("acacia")
    reply = await leader.offer(agent, offer(model="llama3:70b"))
    assert (reply.verdict, reply.reason) == (OfferVerdict.UNABLE, "does not have llama3:70b")


async def test_heartbeats_tell_what_runs_and_the_models_now_and_then(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server), heartbeat_seconds=0.05)
    agent = await leader.registered("acacia")
    what = offer(options=LONG)
    await leader.offer(agent, what)
    heard = await leader.heartbeat("acacia", lambda h: what.attempt_id in h.running)
    assert (heard.status, heard.slots, heard.instance) == (AgentStatus.ONLINE, 2, agent.instance)
    await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id)
    await leader.heartbeat("acacia", lambda h: not h.running)
    mine = leader.heartbeats
    assert [h.sequence for h in mine] == list(range(1, len(mine) + 1))
    assert mine[0].models is not None
    assert any(h.models is None for h in mine)


async def test_an_agent_registers_again_when_asked(leader: Leader, start_agent: StartAgent, builtin_server: Address) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    await leader.registered("acacia")
    await leader.control("acacia", ControlAction.REGISTER)
    await until(lambda: len(leader.registrations) == 2)


async def test_a_draining_agent_ends_what_runs_and_takes_nothing(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server), heartbeat_seconds=0.05)
    agent = await leader.registered("acacia")
    running = offer()
    await leader.offer(agent, running)
    await leader.control("acacia", ControlAction.DRAIN)
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DRAINING)
    assert (await leader.offer(agent, offer())).verdict is OfferVerdict.UNABLE
    assert (await leader.outcome(running)).status is OutcomeStatus.COMPLETED
    await leader.control("acacia", ControlAction.RESUME)
    again = offer()
    assert (await leader.offer(agent, again)).verdict is OfferVerdict.ACCEPTED
    await leader.outcome(again)


async def test_a_stopped_agent_says_so_at_once_and_hands_its_attempts_back(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    sidecar = await start_agent(OpenAIBackend(builtin_server), heartbeat_seconds=3600)
    agent = await leader.registered("acacia")
    what = offer(options=LONG)
    await leader.offer(agent, what)
    await leader.first_words(what)
    await sidecar.stop(drain_seconds=0.2)
    outcome = await leader.outcome(what)
    assert leader.heartbeats[-1].status is AgentStatus.DRAINING
    assert outcome.error is not None
    assert (outcome.status, outcome.error.code, outcome.retryable) == (OutcomeStatus.FAILED, "agent_lost", True)


async def test_an_unreadable_order_is_answered_with_what_is_wrong(
    leader: Leader, start_agent: StartAgent, builtin_server: Address
) -> None:
    await start_agent(OpenAIBackend(builtin_server))
    reply = await leader.control("acacia", ControlAction.PULL)
    assert not reply.ok
    assert "model" in reply.message
    reply = await leader.control("acacia", ControlAction.PULL, model="llama3")
    assert not reply.ok
    assert (await leader.control("acacia", ControlAction.CANCEL, attempt_id=uuid4())).ok
