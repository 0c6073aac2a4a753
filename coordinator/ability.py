"""Whether an agent could have a task at all, however long one waits. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bus.messages import AgentStatus, ModelInfo
from coordinator.prediction import ASSUMED_COMPLETION_TOKENS, ASSUMED_GENERATION_RATE, ASSUMED_PROMPT_RATE, KNOWN_SHARE
from coordinator.registry import Agent, Speed
from coordinator.shapes import Shape
from coordinator.sizes import Size

MOST_SHAPES: Final = 500
BOUND_SECONDS: Final = 5.0


def unable(shape: Shape, agent: Agent, model: ModelInfo | None) -> str | None:
    """Why not now; None when it is able."""
    if agent.status is not AgentStatus.ONLINE:
        return f"{agent.status}" + (f": {agent.reason}" if agent.reason else "")
    if shape.pin is not None and shape.pin != agent.agent_id:
        return f"the task is assigned to {shape.pin} by hand"
    return lacking(shape, agent, model)


def lacking(shape: Shape, agent: Agent, model: ModelInfo | None) -> str | None:
    """What the task asks for and the agent does not have, however long one waits; None when it has everything."""
    if model is None:
        return "it has no model" if shape.model is None else f"it does not have the model {shape.model}"
    offered = {capability.name: capability.proficiency for capability in agent.registration.capabilities}
    for name, least in shape.capabilities:
        if offered.get(name, 0.0) < least:
            return f"its proficiency in {name} is {offered.get(name, 0.0):g}, asked is {least:g}"
    for name, value in shape.labels:
        if agent.registration.labels.get(name) != value:
            return f"it does not have the label {name}={value}"
    if shape.vram_gb is not None and (agent.registration.hardware.vram_gb or 0.0) < shape.vram_gb:
        return f"it has {agent.registration.hardware.vram_gb or 0:g} GB of VRAM, asked are {shape.vram_gb:g}"
    return None


@dataclass(frozen=True, slots=True)
class _Verdict:
    registration: object
    models: object
    status: object
    model: ModelInfo | None

    def holds_for(self, agent: Agent) -> bool:
        return self.models is agent.models and self.registration is agent.registration and self.status is agent.status


@dataclass(slots=True)
class _Bound:
    """Of what the able ones together can do: their slots, and the best rates and the shortest answers among them."""

    at: float
    slots: int = 0
    prompt_rate: float = 0.0
    generation_rate: float = 0.0
    tokens: float = ASSUMED_COMPLETION_TOKENS


class Verdicts:
    """Who is able, by shape, remembered: a decision among hundreds of agents is a look and not a search.

    A verdict holds as long as the agent's registration, status and models are the very objects that it was made of.
    """

    def __init__(self) -> None:
        self._verdicts: dict[Shape, dict[str, _Verdict]] = {}
        self._bounds: dict[Shape, _Bound] = {}

    def model(self, shape: Shape, agent: Agent) -> ModelInfo | None:
        """The model that the agent would use; None where it is not able."""
        verdicts = self._verdicts.get(shape)
        if verdicts is None:
            verdicts = self._begin(shape)
        found = verdicts.get(agent.agent_id)
        if found is None or not found.holds_for(agent):
            model = agent.model(shape.model)
            model = model if unable(shape, agent, model) is None else None
            found = verdicts[agent.agent_id] = _Verdict(agent.registration, agent.models, agent.status, model)
        return found.model

    def _begin(self, shape: Shape) -> dict[str, _Verdict]:
        if len(self._verdicts) >= MOST_SHAPES:
            self._verdicts.clear()
            self._bounds.clear()
        return self._verdicts.setdefault(shape, {})

    def most_done(self, shape: Shape, size: Size, agents: Iterable[Agent], seconds: float, now: float) -> float:
        """More than all able agents together could ever do in that time, by what was known some seconds ago."""
        bound = self._bounds.get(shape)
        if bound is None or not 0 <= now - bound.at < BOUND_SECONDS:
            bound = self._bounds[shape] = self._bound(shape, agents, now)
        tokens = bound.tokens if size.most_tokens is None else min(bound.tokens, size.most_tokens)
        least = size.prompt_tokens * (1 - KNOWN_SHARE) / bound.prompt_rate + tokens / bound.generation_rate
        return bound.slots * seconds / max(least, 1e-3)

    def _bound(self, shape: Shape, agents: Iterable[Agent], now: float) -> _Bound:
        bound = _Bound(now, 0, ASSUMED_PROMPT_RATE, ASSUMED_GENERATION_RATE)
        for agent in agents:
            model = self.model(shape, agent)
            if model is not None:
                speed = agent.speeds.get(model.name, Speed())
                bound.slots += agent.slots
                bound.prompt_rate = max(bound.prompt_rate, speed.prompt_rate or 0.0)
                bound.generation_rate = max(bound.generation_rate, speed.generation_rate or 0.0)
                bound.tokens = min(bound.tokens, speed.completion_tokens or bound.tokens)
        return bound
