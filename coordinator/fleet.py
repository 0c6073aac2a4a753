"""All agents at one moment, as a decision asks for them: who is free, and who is able, which is remembered from one to the next. Pure."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bus.messages import AgentStatus, ModelInfo
from coordinator.agent import Agent
from coordinator.shapes import Shape, unable

Place = tuple[Agent, ModelInfo]
"""An agent that is able, and the model that it would use."""
MOST_SHAPES: Final = 500
LOOK_AGAIN_SECONDS: Final = 1.0
"""So long it stands which agents have a model warm."""

_Verdict = tuple[object, object, object, object, ModelInfo | None, object]
"""Registration, traits, models, status and, last, held models that were judged, and the model that the agent would use; None where it is not able."""


@dataclass(slots=True)
class _Warm:
    """`at` a second of the leader's clock."""

    at: float
    places: list[Place]


class Verdicts:
    """A verdict holds as long as the agent's registration, traits, status, models and held ones are the very objects that it was made of."""

    def __init__(self) -> None:
        self._verdicts: dict[Shape, dict[str, _Verdict]] = {}
        self._warm: dict[Shape, _Warm] = {}

    def places(self, shape: Shape, agents: Iterable[Agent]) -> Iterator[Place]:
        """Those of them that are able."""
        shape = shape.asked
        known = self._of(shape)
        for agent in agents:
            registration = agent.registration
            verdict = known.get(registration.agent_id)
            if (
                verdict is None
                or verdict[2] is not agent.models
                or verdict[1] is not agent.traits
                or verdict[0] is not registration
                or verdict[3] is not agent.status
                or verdict[5] is not agent.held
            ):
                model = agent.model(shape.model)
                model = model if unable(shape, agent, model) is None else None
                verdict = known[registration.agent_id] = (
                    registration,
                    agent.traits,
                    agent.models,
                    agent.status,
                    model,
                    agent.held,
                )
            if verdict[4] is not None:
                yield agent, verdict[4]

    def _of(self, shape: Shape) -> dict[str, _Verdict]:
        known = self._verdicts.get(shape)
        if known is None:
            if len(self._verdicts) >= MOST_SHAPES:
                self._verdicts.clear()
                self._warm.clear()
            known = self._verdicts[shape] = {}
        return known

    def warm(self, shape: Shape, agents: Iterable[Agent], now: float) -> list[Place]:
        """The able agents that have the model warm, as was so a moment ago."""
        shape = shape.asked
        known = self._warm.get(shape)
        if known is None or not 0 <= now - known.at < LOOK_AGAIN_SECONDS:
            places = [place for place in self.places(shape, agents) if place[0].holds(place[1])]
            known = self._warm[shape] = _Warm(now, places)
        return known.places


class Fleet:
    """`clock` is the leader's, in seconds. `free` are those that are online with a free slot, able or not.

    It stands for the decisions of one turn; who was given something is looked at again (`given`).
    """

    def __init__(self, agents: Collection[Agent], known: Verdicts, clock: float) -> None:
        self.agents, self.clock, self._known = agents, clock, known
        self.free = [
            agent
            for agent in agents
            if len(agent.attempts) < agent.slots
            and agent.status is AgentStatus.ONLINE
            and agent.full_until <= clock
            and not agent.measuring
        ]
        self.free_ids = frozenset(agent.registration.agent_id for agent in self.free)

    def given(self, agent: Agent) -> None:
        """It has an attempt more."""
        if len(agent.attempts) >= agent.slots and agent.agent_id in self.free_ids:
            self.free = [each for each in self.free if each is not agent]
            self.free_ids -= {agent.agent_id}

    def has_place(self, shape: Shape, home: str | None) -> bool:
        """Whether any that is free is able, and so the one that it is kept for, while that is able at all."""
        if home is not None and self._is_able(shape, home):
            return home in self.free_ids
        return next(self._known.places(shape, self.free), None) is not None

    def _is_able(self, shape: Shape, agent_id: str) -> bool:
        agent = self._by_id.get(agent_id)
        return agent is not None and next(self._known.places(shape, (agent,)), None) is not None

    @cached_property
    def _by_id(self) -> dict[str, Agent]:
        return {agent.registration.agent_id: agent for agent in self.agents}

    def places(self, shape: Shape) -> list[Place]:
        """Every able one, free or not."""
        return list(self._known.places(shape, self.agents))

    def free_places(self, shape: Shape, home: str | None) -> list[Place]:
        """Every able one that is free; none while the one that it is kept for is able and not free."""
        return list(self._known.places(shape, self.free)) if self.has_place(shape, home) else []

    def freed_places(self, shape: Shape, before: frozenset[str]) -> list[Place]:
        """Of those that were not free before."""
        freed = self.free_ids - before
        return list(self._known.places(shape, (a for a in self.free if a.registration.agent_id in freed))) if freed else []

    def busy_places(self, shape: Shape) -> list[Place]:
        """The able agents that have the model warm and no free slot."""
        warm = self._known.warm(shape, self.agents, self.clock)
        return list(self._known.places(shape, (agent for agent, _ in warm if not agent.free_slots(self.clock))))
