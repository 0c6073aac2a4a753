"""Asks every agent how it is, every ten seconds, and keeps the answers. Nothing is decided by them: presence has heartbeats for that."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from math import ceil
from typing import Final

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import AgentRef
from bus.messages.health import AgentHealthCheck
from coordinator.agents.agent import Agent
from coordinator.agents.registry import Registry
from coordinator.leading.clock import Clock
from coordinator.store.database import AWAY, Statements

logger = telemetry.log(__name__)

CHECK_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 5.0
"""Longer than a sidecar waits for its backend."""
LOOK_SECONDS: Final = 1.0
LEAST_AT_ONCE: Final = 20


class Rota:
    """Whose turn it is: everybody once in CHECK_SECONDS, in equal parts, so that hundreds are not asked in one moment. Pure."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}

    def due(self, agent_ids: Iterable[str], now: float) -> list[str]:
        """Those to be asked now, longest unasked first; they count as asked. `now` in seconds of the leader's clock."""
        known = list(agent_ids)
        self._asked = {agent_id: self._asked[agent_id] for agent_id in known if agent_id in self._asked}
        late = [agent_id for agent_id in known if now - self._asked.get(agent_id, -CHECK_SECONDS) >= CHECK_SECONDS]
        at_once = max(LEAST_AT_ONCE, ceil(len(known) * LOOK_SECONDS / CHECK_SECONDS))
        chosen = sorted(late, key=lambda agent_id: self._asked.get(agent_id, -CHECK_SECONDS))[:at_once]
        self._asked.update(dict.fromkeys(chosen, now))
        return chosen


class Checkups:
    """`run` for the term."""

    def __init__(self, bus: Bus, registry: Registry, statements: Statements, clock: Clock) -> None:
        self._bus, self._registry, self._sql, self._clock = bus, registry, statements, clock
        self._rota = Rota()

    async def run(self) -> None:
        while True:
            due = self._rota.due(self._registry.agents, self._clock.seconds)
            if due:
                await self._store(await asyncio.gather(*(self._check(agent_id) for agent_id in due)))
            await asyncio.sleep(LOOK_SECONDS)

    async def _check(self, agent_id: str) -> AgentHealthCheck:
        agent = self._registry.agents[agent_id]
        if not agent.present:
            return _unavailable(
                agent, f"It is offline: {agent.reason or 'it has not been heard since this coordinator leads'}."
            )
        try:
            return await self._bus.request(
                subjects.health(agent_id), AgentRef(agent_id=agent_id), AgentHealthCheck, timeout=ANSWER_SECONDS, patient=False
            )
        except HiveError as error:
            return _unavailable(agent, f"Its sidecar did not answer within {ANSWER_SECONDS:g} s: {error.message}")

    async def _store(self, checks: list[AgentHealthCheck]) -> None:
        """One that cannot be stored is left out: there is a next one."""
        columns = [(check.agent_id, check.timestamp, check.model_dump_json(exclude_none=True)) for check in checks]
        try:
            await self._sql.run("add_health_checks", *(list(column) for column in zip(*columns, strict=True)))
        except (asyncpg.PostgresError, *AWAY) as error:
            logger.warning("health_not_stored", agents=len(checks), error=type(error).__name__)


def _unavailable(agent: Agent, why: str) -> AgentHealthCheck:
    return AgentHealthCheck(agent_id=agent.agent_id, timestamp=datetime.now(UTC), available=False, error_message=why)
