"""All agents at one moment, as a decision asks for them: who is free, and who is able, which is remembered from one to the next. Pure."""

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Final, Protocol, TypeVar

from bus.messages import AgentStatus, ModelInfo
from coordinator.agents.agent import Agent
from coordinator.scheduling.shapes import Shape, unable
from coordinator.scheduling.sizes import Size
from coordinator.scheduling.warmth import MOST_SHAPES, Place, Warmth

MOST_AGENTS: Final = 10_000


class Waiting(Protocol):
    """Tasks of one shape, that may be kept for one agent."""

    shape: Shape
    home: str | None


L = TypeVar("L", bound=Waiting)


class _Able(dict[Shape, ModelInfo | None]):
    """By shape, the model that one agent would use; None where it is not able. What it was made of must be what the agent has now."""

    __slots__ = ("agent", "held", "models", "registration", "status", "traits")

    def __init__(self, agent: Agent) -> None:
        self.agent, self.registration, self.traits = agent, agent.registration, agent.traits
        self.models, self.status, self.held = agent.models, agent.status, agent.held

    def __missing__(self, shape: Shape) -> ModelInfo | None:
        if len(self) >= MOST_SHAPES:
            self.clear()
        model = self.agent.model(shape.model)
        found = self[shape] = model if unable(shape, self.agent, model) is None else None
        return found


class Verdicts:
    """A verdict holds as long as the agent's registration, traits, status, models and held ones are the very objects that it was made of."""

    def __init__(self) -> None:
        self._able: dict[str, _Able] = {}
        self.warmth = Warmth()

    def of(self, agent: Agent) -> _Able:
        agent_id = agent.registration.agent_id
        able = self._able.get(agent_id)
        if (
            able is not None
            and able.models is agent.models
            and able.traits is agent.traits
            and able.status is agent.status
            and able.held is agent.held
            and able.registration is agent.registration
            and able.agent is agent
        ):
            return able
        if len(self._able) >= MOST_AGENTS:
            self._able.clear()
        able = self._able[agent_id] = _Able(agent)
        return able

    def places(self, shape: Shape, agents: Iterable[Agent]) -> Iterator[Place]:
        """Those of them that are able."""
        shape = shape.asked
        for agent in agents:
            model = self.of(agent)[shape]
            if model is not None:
                yield agent, model


def _places(shape: Shape, known: Iterable[_Able]) -> list[Place]:
    shape = shape.asked
    return [(able.agent, model) for able in known if (model := able[shape]) is not None]


class Fleet:
    """`clock` is the leader's, in seconds. `free` are those that are online with a free slot, able or not.

    It stands for the decisions of one turn; who was given something is looked at again (`given`).
    """

    def __init__(self, agents: Collection[Agent], known: Verdicts, clock: float) -> None:
        self.agents, self.clock, self._known = agents, clock, known
        self.free = {
            agent.registration.agent_id: known.of(agent)
            for agent in agents
            if len(agent.attempts) < agent.slots
            and agent.status is AgentStatus.ONLINE
            and agent.full_until <= clock
            and not agent.measuring
        }
        self._freed: dict[frozenset[str], list[_Able]] = {}
        known.warmth.look(agents, clock)

    def given(self, agent: Agent, model: ModelInfo) -> None:
        """It has an attempt more, with that model."""
        agent_id = agent.agent_id
        self._known.warmth.begun(agent, model.name)
        if agent_id not in self.free:
            return
        if len(agent.attempts) < agent.slots:
            self.free[agent_id] = self._known.of(agent)
        else:
            del self.free[agent_id]
            vars(self).pop("free_ids", None)
            self._freed.clear()

    @cached_property
    def free_ids(self) -> frozenset[str]:
        return frozenset(self.free)

    def has_place(self, shape: Shape, home: str | None) -> bool:
        """Whether any that is free is able, and so the one that it is kept for, while that is able at all."""
        if home is not None and self._is_able(shape, home):
            return home in self.free
        shape = shape.asked
        return any(able[shape] is not None for able in self.free.values())

    def with_place(self, lines: Iterable[L]) -> set[L]:
        """Those that have one: `has_place` for all of them in one go."""
        found, free = set[L](), self.free.values()
        for line in lines:
            shape = line.shape.asked
            for able in free:
                if able[shape] is not None:
                    if line.home is None or self.has_place(line.shape, line.home):
                        found.add(line)
                    break
        return found

    def free_model(self, shape: Shape, home: str | None, agent: Agent) -> ModelInfo | None:
        """What one would use, where it is among the `free_places`."""
        able = self.free.get(agent.agent_id)
        if able is None or (home is not None and home not in self.free and self._is_able(shape, home)):
            return None
        return able[shape.asked]

    def _is_able(self, shape: Shape, agent_id: str) -> bool:
        agent = self._by_id.get(agent_id)
        return agent is not None and self._known.of(agent)[shape.asked] is not None

    @cached_property
    def _by_id(self) -> dict[str, Agent]:
        return {agent.registration.agent_id: agent for agent in self.agents}

    def places(self, shape: Shape) -> list[Place]:
        """Every able one, free or not."""
        return list(self._known.places(shape, self.agents))

    def free_places(self, shape: Shape, home: str | None) -> list[Place]:
        """Every able one that is free; none while the one that it is kept for is able and not free."""
        if home is not None and home not in self.free and self._is_able(shape, home):
            return []
        return _places(shape, self.free.values())

    def freed_places(self, shape: Shape, before: frozenset[str]) -> list[Place]:
        """Of those that were not free before."""
        freed = self._freed.get(before)
        if freed is None:
            freed = self._freed[before] = [self.free[agent_id] for agent_id in self.free.keys() - before]
        return _places(shape, freed)

    def most_done(self, shape: Shape, size: Size, within: float) -> float:
        """How many such tasks those that have the model warm could do within so many seconds, rather too many: so much is clear
        without counting.
        """
        return self._known.warmth.reach(shape.asked, lambda: self._warm_places(shape)).most(size, within)

    def busy_places(self, shape: Shape) -> list[Place]:
        """The able agents that have the model warm and no free slot."""
        return [place for place in self._warm_places(shape) if not place[0].free_slots(self.clock)]

    def _warm_places(self, shape: Shape) -> list[Place]:
        return [
            place for place in self._known.places(shape, self._known.warmth.agents(shape.model)) if place[0].holds(place[1])
        ]
