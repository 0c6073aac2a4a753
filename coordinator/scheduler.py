"""Who gets which task: pure. An agent must be able; among the able it takes the lowest predicted finish.

predicted seconds = model load if it is cold + prompt tokens / prompt rate + expected tokens / generation rate, each as measured
on that agent, else as a plain assumption that is the same for all. Ties go to the less busy, then to the more proficient.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bus.messages import AgentRow, AgentStatus, Explanation, ModelInfo
from coordinator.queue import Queue, Shape
from coordinator.registry import Agent, Speed
from coordinator.tasks import Task

ASSUMED_PROMPT_TOKENS: Final = 200.0
ASSUMED_COMPLETION_TOKENS: Final = 200.0
ASSUMED_PROMPT_RATE: Final = 500.0
ASSUMED_GENERATION_RATE: Final = 30.0
ASSUMED_LOAD_BYTES_PER_SECOND: Final = 1e9
ASSUMED_LOAD_SECONDS: Final = 5.0
AVOIDED_SECONDS: Final = 3600.0
"""Added for an agent that failed this task before: taken only where no other is able."""


@dataclass(frozen=True, slots=True)
class Placement:
    task: Task
    agent: Agent
    model: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent measured against a shape. `unable` says why not; None when it is able."""

    agent: Agent
    unable: str | None
    model: ModelInfo | None
    seconds: float
    free_slots: int

    @property
    def order(self) -> tuple[float, float, float, str]:
        busy = len(self.agent.attempts) / max(1, self.agent.slots)
        return (round(self.seconds, 3), busy, -self.agent.traits.best, self.agent.agent_id)


def consider(shape: Shape, agent: Agent, now: float) -> Candidate:
    """Whether the agent may have a task of this shape at all, and how soon it would be done."""
    model = agent.model(shape.model)
    unable = _unable(shape, agent, model)
    if unable is not None or model is None:
        return Candidate(agent, unable, model, 0.0, 0)
    seconds = predicted_seconds(agent, model) + (AVOIDED_SECONDS if agent.agent_id in shape.avoid else 0.0)
    return Candidate(agent, None, model, seconds, agent.free_slots(now))


def _unable(shape: Shape, agent: Agent, model: ModelInfo | None) -> str | None:
    if agent.status is not AgentStatus.ONLINE:
        return f"{agent.status}" + (f": {agent.reason}" if agent.reason else "")
    if shape.pin is not None and shape.pin != agent.agent_id:
        return f"the task is assigned to {shape.pin} by hand"
    return lacking(shape, agent, model)


def lacking(shape: Shape, agent: Agent, model: ModelInfo | None) -> str | None:
    """What the task asks for and the agent does not have, however long one waits; None when it has everything."""
    if model is None:
        return "it has no model" if shape.model is None else f"it does not have the model {shape.model}"
    for name, least in shape.capabilities:
        if agent.traits.proficiency(name) < least:
            return f"its proficiency in {name} is {agent.traits.proficiency(name):g}, asked is {least:g}"
    for name, value in shape.labels:
        if agent.traits.labels.get(name) != value:
            return f"it does not have the label {name}={value}"
    if shape.vram_gb is not None and (agent.registration.hardware.vram_gb or 0.0) < shape.vram_gb:
        return f"it has {agent.registration.hardware.vram_gb or 0:g} GB of VRAM, asked are {shape.vram_gb:g}"
    return None


def predicted_seconds(agent: Agent, model: ModelInfo) -> float:
    speed = agent.speeds.get(model.name) or Speed()
    load = 0.0 if model.loaded else speed.load_seconds or _assumed_load(model)
    prompt = ASSUMED_PROMPT_TOKENS / (speed.prompt_rate or ASSUMED_PROMPT_RATE)
    generation = (speed.completion_tokens or ASSUMED_COMPLETION_TOKENS) / (speed.generation_rate or ASSUMED_GENERATION_RATE)
    return load + prompt + generation


def _assumed_load(model: ModelInfo) -> float:
    return ASSUMED_LOAD_SECONDS if model.size_bytes is None else 0.5 + model.size_bytes / ASSUMED_LOAD_BYTES_PER_SECOND


def choose(shape: Shape, agents: Iterable[Agent], now: float) -> Candidate | None:
    """The able agent with a free slot that would be done first."""
    able = (candidate for candidate in (consider(shape, agent, now) for agent in agents) if candidate.unable is None)
    return min((c for c in able if c.free_slots > 0), key=lambda candidate: candidate.order, default=None)


def next_placement(queue: Queue, agents: list[Agent], now: float, hopeless: set[Shape]) -> Placement | None:
    """The most urgent task that can run now, and where. `hopeless` collects shapes that no free agent can take."""
    for task, shape in queue.heads():
        if shape in hopeless:
            continue
        candidate = choose(shape, agents, now)
        if candidate is not None and candidate.model is not None:
            return Placement(task, candidate.agent, candidate.model.name)
        hopeless.add(shape)
    return None


def explain(shape: Shape, agents: Iterable[Agent], now: float) -> Explanation:
    """The table behind `choose`, best first."""
    candidates = sorted((consider(shape, agent, now) for agent in agents), key=lambda c: (c.unable is not None, *c.order))
    chosen = choose(shape, [candidate.agent for candidate in candidates], now)
    return Explanation(
        agents=tuple(_row(candidate) for candidate in candidates),
        choice=chosen.agent.agent_id if chosen else None,
        reason=_reason(candidates, chosen),
    )


def _row(candidate: Candidate) -> AgentRow:
    able = candidate.unable is None
    return AgentRow(
        agent_id=candidate.agent.agent_id,
        able=able,
        reason=candidate.unable or ("a slot is free" if candidate.free_slots else "all its slots are taken"),
        model=candidate.model.name if candidate.model else None,
        warm=bool(candidate.model and candidate.model.loaded),
        free_slots=candidate.free_slots,
        predicted_seconds=round(candidate.seconds, 3) if able else None,
    )


def _reason(candidates: list[Candidate], chosen: Candidate | None) -> str:
    if chosen is not None:
        return f"{chosen.agent.agent_id} is predicted to finish first, in {chosen.seconds:.1f} s"
    if any(candidate.unable is None for candidate in candidates):
        return "waits: every able agent is busy"
    return "waits: no agent is able" if candidates else "waits: no agent has registered yet"
