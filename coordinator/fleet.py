"""All agents at one moment, as a decision asks for them. Pure."""

from collections.abc import Collection

from bus.messages import AgentStatus
from coordinator.registry import Agent
from coordinator.shapes import Shape
from coordinator.verdicts import Place, Verdicts

__all__ = ["Fleet", "Place"]


class Fleet:
    def __init__(self, agents: Collection[Agent], known: Verdicts, clock: float) -> None:
        self.agents, self.clock, self._known = agents, clock, known
        self.free = [
            agent
            for agent in agents
            if len(agent.attempts) < agent.slots and agent.status is AgentStatus.ONLINE and agent.full_until <= clock
        ]

        self.free_ids = frozenset(agent.registration.agent_id for agent in self.free)

    def has_place(self, shape: Shape, home: str | None) -> bool:
        """Whether any that is free is able, and so the one that it is kept for."""
        if home is not None:
            return any(agent.agent_id == home for agent, _ in self._known.places(shape, self.free))
        return next(self._known.places(shape, self.free), None) is not None

    def free_places(self, shape: Shape, home: str | None) -> list[Place]:
        return list(self._known.places(shape, self.free)) if self.has_place(shape, home) else []

    def freed_places(self, shape: Shape, before: frozenset[str]) -> list[Place]:
        """Of those that were not free before."""
        freed = self.free_ids - before
        return list(self._known.places(shape, (a for a in self.free if a.registration.agent_id in freed))) if freed else []

    def busy_places(self, shape: Shape) -> list[Place]:
        """The able agents that have the model warm and no free slot."""
        warm = self._known.warm(shape, self.agents, self.clock)
        return list(self._known.places(shape, (agent for agent, _ in warm if not agent.free_slots(self.clock))))
