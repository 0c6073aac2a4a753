"""What was measured of the agents, kept in PostgreSQL: a new leader knows how fast and how reliable they are."""

import asyncio
from datetime import UTC, datetime
from typing import Final

import asyncpg
from pydantic import BaseModel, TypeAdapter

from bus import telemetry
from coordinator.agents.agent import Agent
from coordinator.agents.learning import is_measured
from coordinator.agents.registry import Registry
from coordinator.scheduling.breaker import Breaker
from coordinator.scheduling.speed import Speed
from coordinator.scheduling.track import Track
from coordinator.store.database import AWAY, Statements

logger = telemetry.log(__name__)

SAVE_SECONDS: Final = 5.0
"""What was measured in the last of a leader's seconds may be lost with it: the next attempts tell it again."""


class Kept(BaseModel):
    """Of one agent. `speeds` and `breakers` by model."""

    track: Track = Track()
    speeds: dict[str, Speed] = {}
    breakers: dict[str, Breaker] = {}


_KEPT: Final = TypeAdapter(Kept)


async def load_tracks(registry: Registry, statements: Statements) -> None:
    for row in await statements.all("agent_tracks"):
        agent = registry.agents.get(row["slug"])
        if agent is not None:
            kept = _KEPT.validate_json(row["track"])
            agent.track, agent.speeds, agent.breakers = kept.track, kept.speeds, kept.breakers
            agent.appraise(datetime.now(UTC))
            agent.hold(datetime.now(UTC))


class Tracks:
    """`run` for the term, which is that of `epoch`."""

    def __init__(self, registry: Registry, statements: Statements, epoch: int) -> None:
        self._registry, self._sql, self._epoch = registry, statements, epoch
        self._saved: dict[str, bytes] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            now = datetime.now(UTC)
            for agent in self._registry:
                agent.appraise(now)
            await self.save(now)

    async def save(self, now: datetime) -> None:
        """Those that changed."""
        found = {agent.agent_id: _dump(agent) for agent in self._registry if is_measured(agent)}
        changed = {agent_id: kept for agent_id, kept in found.items() if self._saved.get(agent_id) != kept}
        if not changed:
            return
        try:
            await self._sql.run("save_tracks", list(changed), [kept.decode() for kept in changed.values()], now, self._epoch)
        except (asyncpg.PostgresError, *AWAY) as error:
            logger.warning("tracks_not_saved", agents=len(changed), error=type(error).__name__)
            return
        self._saved = found


def _dump(agent: Agent) -> bytes:
    return _KEPT.dump_json(Kept(track=agent.track, speeds=agent.speeds, breakers=agent.breakers), exclude_none=True)
