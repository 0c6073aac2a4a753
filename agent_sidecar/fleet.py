"""All agents of one sidecar process: they share its connection to the bus and its instance id."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Iterable

from pydantic import SecretStr

from agent_sidecar.addresses import agent_id_for, is_here
from agent_sidecar.agent import Agent
from agent_sidecar.backends.backend import Backend
from agent_sidecar.backends.opening import open_backend
from agent_sidecar.keyring import Keyring
from agent_sidecar.settings import SidecarSettings
from agent_sidecar.telemetry.host import open_host
from bus import telemetry
from bus.client import Bus
from bus.exposition import Sample
from bus.messages import Upstream
from bus.messages.models import ModelWish

logger = telemetry.log(__name__)

OpenBackend = Callable[[Upstream, SidecarSettings, SecretStr | None], Backend]

FLUSH_SECONDS = 5.0
"""That a leaving sidecar gives the bus to acknowledge its last outcomes."""


def new_instance() -> str:
    """Names one start of the process."""
    return secrets.token_hex(6)


class Fleet:
    """`open_backend` makes the backend of an upstream; a test or a benchmark brings its own."""

    def __init__(self, bus: Bus, settings: SidecarSettings, *, instance: str, open_backend: OpenBackend = open_backend) -> None:
        self._bus, self._settings, self._instance = bus, settings, instance
        self._open_backend = open_backend
        self._host = open_host(settings.data_dir)
        self.keyring = Keyring(settings.data_dir / "sidecar" / "keys", settings.backend_keys)
        self.agents: dict[str, Agent] = {}
        self._wishes: tuple[ModelWish, ...] = ()
        self._keys: dict[str, SecretStr | None] = {}

    def samples(self) -> Iterable[Sample]:
        """For the /metrics of this process."""
        runners = [agent.runner for agent in self.agents.values()]
        yield Sample("sidecar_agents", "gauge", "Agents of this sidecar.", len(runners))
        yield Sample("sidecar_slots", "gauge", "Attempts that its agents may run at once.", sum(r.slots for r in runners))
        yield Sample("sidecar_running_attempts", "gauge", "Attempts that its agents run.", sum(r.busy for r in runners))

    def agent_id(self, upstream: Upstream) -> str:
        """Its own, else a new one that no other agent of this process has."""
        return agent_id_for(upstream, self._settings.sidecar_name or socket.gethostname(), self.agents.keys())

    async def add(self, upstream: Upstream) -> Agent:
        """Starts an agent for it, in place of one with the same id."""
        agent_id = self.agent_id(upstream)
        await self.remove(agent_id)
        key = self._keys[agent_id] = self.keyring.key(agent_id, upstream.url)
        agent = Agent(
            self._bus,
            self._open_backend(upstream, self._settings, key),
            self._settings,
            agent_id=agent_id,
            upstream=upstream,
            instance=self._instance,
            host=self._host if is_here(upstream, socket.gethostname()) else None,
        )
        self.agents[agent_id] = agent
        agent.prefer(self._wishes)
        await agent.start()
        logger.info("agent_started", agent_id=agent_id, endpoint=upstream.url, slots=agent.runner.slots)
        return agent

    def prefer(self, wishes: tuple[ModelWish, ...]) -> None:
        """How models are to be loaded, by every agent of now and later."""
        self._wishes = wishes
        for agent in self.agents.values():
            agent.prefer(wishes)

    def speaks(self, agent_id: str, upstream: Upstream) -> bool:
        """Whether an agent speaks for just this, with the key that it has by now."""
        agent = self.agents.get(agent_id)
        same_key = self._keys.get(agent_id) == self.keyring.key(agent_id, upstream.url)
        return agent is not None and agent.upstream == upstream and same_key

    async def remove(self, agent_id: str) -> None:
        """Drains it first."""
        if agent := self.agents.pop(agent_id, None):
            await agent.stop(self._settings.drain_seconds)
            logger.info("agent_stopped", agent_id=agent_id)

    async def stop(self) -> None:
        """Drain all side by side. Outcomes that the bus does not take in the end are left to the coordinator's rule for lost agents."""
        agents, self.agents = list(self.agents.values()), {}
        leaving = [agent.stop(self._settings.drain_seconds) for agent in agents]
        try:
            async with asyncio.timeout(self._settings.drain_seconds + FLUSH_SECONDS):
                await asyncio.gather(*leaving)
        except TimeoutError:
            logger.warning("outcomes_left_behind")
