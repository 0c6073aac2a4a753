"""An agent introduces itself until it is taken, and says why when it is not."""

import asyncio
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from agent_sidecar.registration import Registration, registration_of
from bus import auth, subjects
from bus.errors import Conflict
from bus.messages import AgentRegistration, Hardware, NoReply, Upstream
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus

WORDS = "Another sidecar speaks for the agent acacia and is alive."


def described() -> AgentRegistration:
    return registration_of(
        Upstream(url="http://127.0.0.1:11434"),
        agent_id="acacia",
        instance="one",
        endpoint="http://127.0.0.1:11434",
        kind="ollama",
        slots=1,
        models=(),
        hardware=Hardware(),
    )


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as logs:
        yield logs


async def test_who_bears_a_name_that_is_taken_says_so_once_and_goes_on_asking(
    logged: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_sidecar.registration.FIRST_PAUSE_SECONDS", 0.001)
    refusals, taken = iter([Conflict(WORDS)] * 3), asyncio.Event()

    async def register(call: Call[AgentRegistration]) -> NoReply:
        for refusal in refusals:
            raise refusal
        taken.set()
        return NoReply()

    endpoint = Endpoint(
        verb="register", body=AgentRegistration, handler=register, permission=auth.Permission.AGENTS_MANAGE, by_agent=True
    )
    service = Service(name=subjects.SERVICE_AGENTS, version="1.0.0", description="a leader", endpoints=(endpoint,))
    bus = InMemoryBus()
    serving = await bus.serve(service)
    running = asyncio.create_task(Registration(bus, described).run())
    async with asyncio.timeout(5):
        await taken.wait()
        while not any(entry["event"] == "agent_registered" for entry in logged):
            await asyncio.sleep(0)
    running.cancel()
    await serving.close()
    told = [entry for entry in logged if entry["event"] == "agent_not_registered" and entry["log_level"] == "error"]
    assert [(entry["code"], entry["reason"]) for entry in told] == [("conflict", WORDS)]
