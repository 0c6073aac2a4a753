"""A sidecar's agents inside the test, on a real bus; each test ends the agents that it started."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agent_sidecar.addresses import Address
from agent_sidecar.agent import Agent
from agent_sidecar.backends.backend import Backend
from agent_sidecar.backends.builtin import BuiltinBackend, installed
from agent_sidecar.backends.connections import Connections
from agent_sidecar.settings import SidecarSettings
from bus.messages import Upstream
from bus.nats_bus import NatsBus
from bus.permissions import SIDECAR
from tests.integration.agent_sidecar.keeping import keeping
from tests.integration.agent_sidecar.leader import Leader
from tests.integration.agent_sidecar.misbehaving import misbehaving
from tests.integration.agent_sidecar.raw_server import serve
from tests.parts.nats import NatsServer
from tests.parts.ollama import ollama

__all__ = ["keeping", "misbehaving", "ollama", "serve"]

StartAgent = Callable[..., Awaitable[Agent]]


@pytest.fixture(autouse=True)
async def nothing_left_open(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Backends that a test asks without an agent keep connections for a next request that does not come."""
    made, begin = list[Connections](), Connections.__init__

    def remember(self: Connections, address: Address) -> None:
        begin(self, address)
        made.append(self)

    monkeypatch.setattr(Connections, "__init__", remember)
    yield
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def builtin_server() -> Iterator[Address]:
    """The built-in model's own server, loaded once. Its address carries the key."""
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    backend = BuiltinBackend(slots=2)
    backend.start()
    yield backend.address
    backend.stop()


@pytest.fixture
def sidecar_settings(nats_server: NatsServer, tmp_path: Path) -> Callable[..., SidecarSettings]:
    def make(**more: object) -> SidecarSettings:
        return SidecarSettings.model_validate({"nats_url": nats_server.url_of(SIDECAR), "data_dir": tmp_path, **more})

    return make


@pytest.fixture
async def leader(nats_bus: NatsBus) -> Leader:
    return await Leader(nats_bus).start()


@pytest.fixture
async def start_agent(nats_bus: NatsBus, sidecar_settings: Callable[..., SidecarSettings]) -> AsyncIterator[StartAgent]:
    """`await start_agent(backend, "acacia", stall_seconds=1)`; the rest are settings."""
    async with AsyncExitStack() as stack:

        async def start(backend: Backend, agent_id: str = "acacia", *, slots: int | None = None, **more: object) -> Agent:
            agent = Agent(
                nats_bus,
                backend,
                sidecar_settings(**more),
                agent_id=agent_id,
                upstream=Upstream(url=backend.endpoint, slots=slots),
                instance="i1",
            )
            stack.push_async_callback(agent.stop, 0)
            await agent.start()
            return agent

        yield start
