"""Who is able, by shape, remembered: a decision among hundreds of agents is a look and not a search. Pure."""

from collections.abc import Iterable, Iterator
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


_Verdict = tuple[object, object, object, ModelInfo | None]
"""Registration, models and status that were judged, and the model that the agent would use; None where it is not able."""


@dataclass(slots=True)
class _Warm:
    at: float
    places: list[Place]


class Verdicts:
    """A verdict holds as long as the agent's registration, status and models are the very objects that it was made of."""

    def __init__(self) -> None:
        self._verdicts: dict[Shape, dict[str, _Verdict]] = {}
        self._warm: dict[Shape, _Warm] = {}

    def places(self, shape: Shape, agents: Iterable[Agent]) -> Iterator[Place]:
        """Those of them that are able."""
        known = self._of(shape)
        for agent in agents:
            registration = agent.registration
            verdict = known.get(registration.agent_id)
            if (
                verdict is None
                or verdict[1] is not agent.models
                or verdict[0] is not registration
                or verdict[2] is not agent.status
            ):
                model = agent.model(shape.model)
                model = model if unable(shape, agent, model) is None else None
                verdict = known[registration.agent_id] = (registration, agent.models, agent.status, model)
            if verdict[3] is not None:
                yield agent, verdict[3]

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
        known = self._warm.get(shape)
        if known is None or not 0 <= now - known.at < LOOK_AGAIN_SECONDS:
            places = [place for place in self.places(shape, agents) if place[0].holds(place[1])]
            known = self._warm[shape] = _Warm(now, places)
        return known.places
