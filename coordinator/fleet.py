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

    def free_places(self, shape: Shape, home: str | None) -> list[Place]:
        """The free agents that are able; none while the one that it is kept for is not among them."""
        places = self._known.places(shape, self.free)
        return places if home is None or any(agent.agent_id == home for agent, _ in places) else []

    def busy_places(self, shape: Shape) -> list[Place]:
        """The able agents that have the model warm and no free slot."""
        warm = self._known.warm(shape, self.agents, self.clock)
        return [
            place for place in warm if not place[0].free_slots(self.clock) and self._known.model(shape, place[0]) is not None
        ]
