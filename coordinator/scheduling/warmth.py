"""Which agents have which models in memory, seen for all tasks at once, and what those could do. Pure.

A look at all agents for each line would be most of what a decision costs; so it is taken once for all of them, and stands for a while.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

from bus.messages import ModelInfo
from bus.model_names import tagged
from coordinator.agents.agent import Agent
from coordinator.scheduling.prediction import completion_tokens, service_seconds
from coordinator.scheduling.shapes import Shape
from coordinator.scheduling.sizes import Size

Place = tuple[Agent, ModelInfo]
"""An agent that is able, and the model that it would use."""
LOOK_AGAIN_SECONDS: Final = 1.0
REACH_SECONDS: Final = 5.0
MOST_SHAPES: Final = 500
LEEWAY: Final = 2.0
"""By so much may what could be done have grown since it was looked at."""
_UNREAD: Final = Size(0)


@dataclass(frozen=True, slots=True)
class Reach:
    """`rate` is how many tasks a second some places could do with nothing to read; as a rule none writes more than `tokens`."""

    rate: float
    tokens: float

    @classmethod
    def of(cls, places: Iterable[Place]) -> "Reach":
        places = list(places)
        rate = sum(agent.slots / service_seconds(agent, model, _UNREAD) for agent, model in places)
        return cls(rate, max((completion_tokens(agent, model) for agent, model in places), default=1.0))

    def most(self, size: Size, seconds: float) -> float:
        """Tasks of that size within so many seconds: rather too many than too few."""
        share = 1.0 if size.most_tokens is None else min(1.0, size.most_tokens / self.tokens)
        return LEEWAY * self.rate * seconds / share


@dataclass(frozen=True, slots=True)
class _Known:
    """`at` a second of the leader's clock, when so many `agents` had the model."""

    at: float
    agents: int
    reach: Reach


@dataclass(slots=True)
class _Seen:
    """`names` are those of its warm models, with their tags, by the `models` that it told."""

    agent: Agent
    models: tuple[ModelInfo, ...]
    names: set[str]


class Warmth:
    """Kept up from one look to the next: only agents that tell of other models than before are seen anew."""

    def __init__(self) -> None:
        self._at = -inf
        self._seen: dict[str, _Seen] = {}
        self._by_model: defaultdict[str, dict[str, Agent]] = defaultdict(dict)
        self._reach: dict[Shape, _Known] = {}

    def look(self, agents: Iterable[Agent], now: float) -> None:
        """At a second of the leader's clock; does nothing when that was done a moment ago."""
        if 0 <= now - self._at < LOOK_AGAIN_SECONDS:
            return
        self._at, gone = now, set(self._seen)
        for agent in agents:
            agent_id = agent.registration.agent_id
            gone.discard(agent_id)
            seen = self._seen.get(agent_id)
            if seen is None or seen.models is not agent.models or seen.agent is not agent:
                self._see(agent_id, agent)
        for agent_id in gone:
            self._forget(agent_id)

    def _see(self, agent_id: str, agent: Agent) -> None:
        self._forget(agent_id)
        names = {tagged(model.name) for model in agent.models if model.loaded}
        names.update(tagged(attempt.model) for attempt in agent.attempts.values())
        self._seen[agent_id] = _Seen(agent, agent.models, names)
        for name in names:
            self._by_model[name][agent_id] = agent

    def _forget(self, agent_id: str) -> None:
        seen = self._seen.pop(agent_id, None)
        for name in seen.names if seen is not None else ():
            del self._by_model[name][agent_id]
            if not self._by_model[name]:
                del self._by_model[name]

    def begun(self, agent: Agent, model: str) -> None:
        """An attempt with it, which loads it."""
        seen = self._seen.get(agent.agent_id)
        if seen is not None:
            seen.names.add(tagged(model))
            self._by_model[tagged(model)][agent.agent_id] = agent

    def agents(self, model: str | None) -> list[Agent]:
        """Those that have it, or had it until a moment ago; where none is named, those that have any."""
        if model is None:
            return [seen.agent for seen in self._seen.values() if seen.names]
        known = self._by_model.get(tagged(model))
        return [] if known is None else list(known.values())

    def reach(self, shape: Shape, places: Callable[[], Iterable[Place]]) -> Reach:
        """Of these places, as was so some seconds ago, unless more agents have the model by now."""
        known, agents = self._reach.get(shape), self._count(shape.model)
        if known is None or known.agents < agents or not 0 <= self._at - known.at < REACH_SECONDS:
            if len(self._reach) >= MOST_SHAPES:
                self._reach.clear()
            known = self._reach[shape] = _Known(self._at, agents, Reach.of(places()))
        return known.reach

    def _count(self, model: str | None) -> int:
        return sum(map(len, self._by_model.values())) if model is None else len(self._by_model.get(tagged(model), ()))
