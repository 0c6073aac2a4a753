"""A sidecar that is asked how it is: by the backend's word of now, and never by silence."""

import asyncio
from collections.abc import Callable

import pytest

from agent_sidecar import health
from agent_sidecar.addresses import parse_address
from agent_sidecar.backends.ollama import OllamaBackend
from bus import subjects
from bus.messages import AgentRef
from bus.messages.health import AgentHealthCheck
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer
from tests.integration.agent_sidecar.misbehaving import Misbehaving
from tests.parts.ollama import MODEL, Ollama

Make = Callable[..., Misbehaving]


async def check(leader: Leader) -> AgentHealthCheck:
    return await leader.bus.request(subjects.health("acacia"), AgentRef(agent_id="acacia"), AgentHealthCheck, timeout=20)


async def test_a_backend_that_answers_is_available_and_its_rate_is_that_of_its_attempts(
    leader: Leader, start_agent: StartAgent, ollama: Ollama
) -> None:
    await start_agent(OllamaBackend(parse_address(ollama.url)))
    agent = await leader.registered("acacia")
    found = await check(leader)
    assert (found.available, found.error_message, found.tokens_per_second) == (True, None, None)
    assert 0 < (found.response_time or 0) < health.BACKEND_SECONDS
    what = offer(model=MODEL)
    await leader.offer(agent, what)
    await leader.outcome(what)
    assert ((await check(leader)).tokens_per_second or 0) > 0


async def test_a_backend_that_is_gone_is_found_though_nobody_has_noticed_yet(
    leader: Leader, start_agent: StartAgent, misbehaving: Make
) -> None:
    server = misbehaving("llama3")
    await start_agent(OllamaBackend(await server.start()), models_seconds=60)
    await leader.registered("acacia")
    assert (await check(leader)).available
    await server.stop()
    found = await check(leader)
    assert (found.available, found.response_time) == (False, None)
    assert found.error_message


async def test_a_backend_that_hangs_is_not_waited_for(
    leader: Leader, start_agent: StartAgent, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "BACKEND_SECONDS", 0.2)
    await start_agent(OllamaBackend(parse_address(ollama.url)), models_seconds=60)
    await leader.registered("acacia")
    with ollama.frozen():
        found = await asyncio.wait_for(check(leader), 5)
    assert not found.available
    assert "0.2 s" in (found.error_message or "")
