"""Which agent a task goes to: the able one that is predicted to finish it first. Pure.

It waits, although an agent is free, while the busy ones would finish it, and all that waits for them before it, sooner than that one.
Ties go to the less busy, then to the more proficient.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bus.messages import ModelInfo
from coordinator.ability import unable
from coordinator.prediction import AVOIDED_SECONDS, done_by, run_seconds, starts_in
from coordinator.registry import Agent
from coordinator.shapes import Shape
from coordinator.sizes import TYPICAL, Size

WORTH_WAITING: Final = 0.9
"""A prediction is not exact: waiting must promise to be done in so much of the time."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the choice needs to know of a task. `rivals` wait for the same, itself among them."""

    shape: Shape
    size: Size = TYPICAL
    home: str | None = None
    rivals: int = 1
    patient: bool = True
    """Whether it may be kept for a busy agent, or was so long enough."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent measured against a task. `unable` says why not; None when it is able. `seconds` until it would be done."""

    agent: Agent
    unable: str | None
    model: ModelInfo | None
    seconds: float
    free_slots: int

    @property
    def order(self) -> tuple[float, float, float, str]:
        busy = len(self.agent.attempts) / max(1, self.agent.slots)
        return (round(self.seconds, 3), busy, -_proficiency(self.agent), self.agent.agent_id)


def _proficiency(agent: Agent) -> float:
    return max((capability.proficiency for capability in agent.registration.capabilities), default=0.0)


def consider(ask: Ask, agent: Agent, now: float) -> Candidate:
    """Whether the agent may have the task at all, and how soon it would be done."""
    model = agent.model(ask.shape.model)
    reason = unable(ask.shape, agent, model)
    if reason is not None or model is None:
        return Candidate(agent, reason, model, 0.0, 0)
    return measure(ask, agent, model, now)


def measure(ask: Ask, agent: Agent, model: ModelInfo, now: float) -> Candidate:
    """Of an agent that is able."""
    seconds = starts_in(agent, model, now) + run_seconds(agent, model, ask.size, ask.home)
    if agent.agent_id in ask.shape.avoid:
        seconds += AVOIDED_SECONDS
    return Candidate(agent, None, model, seconds, agent.free_slots(now))


def soonest(candidates: Iterable[Candidate]) -> Candidate | None:
    return min(candidates, key=lambda candidate: candidate.order, default=None)


def better_wait(ask: Ask, free: Candidate, able: Iterable[tuple[Agent, ModelInfo]], now: float) -> bool:
    """Whether the busy would have done the task, and its rivals, by the time at which the best of the free would have done this one."""
    if not ask.patient:
        return False
    within, left = free.seconds * WORTH_WAITING, ask.rivals
    for agent, model in able:
        if agent.agent_id not in ask.shape.avoid and not agent.free_slots(now):
            left -= done_by(agent, model, ask.size, now, within)
            if left <= 0:
                return True
    return False


def choose(ask: Ask, agents: Iterable[Agent], now: float) -> tuple[list[Candidate], Candidate | None]:
    """Everybody, best first, and who gets it now; None when it waits. The plain form of what the scheduler does for many."""
    table = sorted((consider(ask, agent, now) for agent in agents), key=lambda c: (c.unable is not None, *c.order))
    free = soonest(c for c in table if c.unable is None and c.free_slots)
    if ask.home is not None and not any(c.agent.agent_id == ask.home and c.free_slots for c in table if c.unable is None):
        return table, None
    able = [(c.agent, c.model) for c in table if c.unable is None and c.model is not None]
    return table, None if free is None or better_wait(ask, free, able, now) else free
