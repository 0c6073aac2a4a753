"""Who is able, by shape, remembered: a decision among hundreds of agents is a look and not a search. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bus.messages import ModelInfo
from coordinator.ability import unable
from coordinator.registry import Agent
from coordinator.shapes import Shape

Place = tuple[Agent, ModelInfo]
"""An agent that is able, and the model that it would use."""
MOST_SHAPES: Final = 500
LOOK_AGAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Verdict:
    registration: object
    models: object
    status: object
    model: ModelInfo | None

    def holds_for(self, agent: Agent) -> bool:
        return self.models is agent.models and self.registration is agent.registration and self.status is agent.status


@dataclass(slots=True)
class _Warm:
    at: float
    places: list[Place]


class Verdicts:
    """A verdict holds as long as the agent's registration, status and models are the very objects that it was made of."""

    def __init__(self) -> None:
        self._verdicts: dict[Shape, dict[str, _Verdict]] = {}
        self._warm: dict[Shape, _Warm] = {}

    def model(self, shape: Shape, agent: Agent) -> ModelInfo | None:
        """The model that the agent would use; None where it is not able."""
        verdicts = self._verdicts.get(shape)
        if verdicts is None:
            verdicts = self._begin(shape)
        found = verdicts.get(agent.registration.agent_id)
        if found is None or not found.holds_for(agent):
            model = agent.model(shape.model)
            model = model if unable(shape, agent, model) is None else None
            found = verdicts[agent.agent_id] = _Verdict(agent.registration, agent.models, agent.status, model)
        return found.model

    def _begin(self, shape: Shape) -> dict[str, _Verdict]:
        if len(self._verdicts) >= MOST_SHAPES:
            self._verdicts.clear()
            self._warm.clear()
        return self._verdicts.setdefault(shape, {})

    def places(self, shape: Shape, agents: Iterable[Agent]) -> list[Place]:
        return [(agent, model) for agent in agents if (model := self.model(shape, agent)) is not None]

    def warm(self, shape: Shape, agents: Iterable[Agent], now: float) -> list[Place]:
        """The able agents that have the model warm, as was so a moment ago."""
        known = self._warm.get(shape)
        if known is None or not 0 <= now - known.at < LOOK_AGAIN_SECONDS:
            places = [place for place in self.places(shape, agents) if place[0].holds(place[1])]
            known = self._warm[shape] = _Warm(now, places)
        return known.places
