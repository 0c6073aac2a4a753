"""Which agent a task goes to: the able one that is predicted to finish it first, where all are as dear. Pure.

Seconds of an agent for which others wait count for more (demand.py): a task that can be done elsewhere leaves it to those that cannot.
It waits, although an agent is free, while busy ones would finish it, and all that waits for them beside it, sooner than that one.
Ties go to the less busy, then to the more proficient.
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from bus.messages import ModelInfo
from coordinator.agents.agent import Agent
from coordinator.scheduling.fleet import Fleet
from coordinator.scheduling.prediction import done_by, run_seconds, starts_in
from coordinator.scheduling.shapes import Shape, unable
from coordinator.scheduling.sizes import TYPICAL, Size
from coordinator.scheduling.warmth import Place

WORTH_WAITING_WARM: Final = 0.5
"""Where a free agent has the model warm, waiting for a busy one must promise to be done in so much of the time: others wait for it too."""
WORTH_WAITING_COLD: Final = 0.95
"""Where it would have to load the model: that takes the memory from another one, which somebody will want again."""
SAME_SECONDS: Final = 0.001
AVOIDED_COST: Final = 1e9
"""Of an agent that failed this task before: taken only where no other is able, whatever that one's time costs."""


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
    """An agent measured against a task. `unable` says why not; None when it is able. `seconds` until it would be done, each of
    which counts `price`.
    """

    agent: Agent
    unable: str | None
    model: ModelInfo | None
    seconds: float
    free_slots: int
    price: float = 1.0
    avoided: bool = False
    """It failed this task before."""

    @property
    def cost(self) -> float:
        return self.seconds * self.price + (AVOIDED_COST if self.avoided else 0.0)

    @property
    def order(self) -> "Order":
        agent = self.agent
        return (round(self.cost, 3), len(agent.attempts) / max(1, agent.slots), -agent.traits.best, agent.agent_id)


Order = tuple[float, float, float, str]
"""The least first."""


def consider(ask: Ask, agent: Agent, now: float) -> Candidate:
    """Whether the agent may have the task at all, and how soon it would be done."""
    model = agent.model(ask.shape.model)
    reason = unable(ask.shape, agent, model)
    if reason is not None or model is None:
        return Candidate(agent, reason, model, 0.0, 0)
    return measure(ask, agent, model, now)


def measure(ask: Ask, agent: Agent, model: ModelInfo, now: float) -> Candidate:
    """Of an agent that is able."""
    seconds = seconds_of(ask, agent, model, now)
    return Candidate(
        agent, None, model, seconds, agent.free_slots(now), price_of(agent, model, now), agent.agent_id in ask.shape.avoid
    )


def seconds_of(ask: Ask, agent: Agent, model: ModelInfo, now: float) -> float:
    """Until it would be done there."""
    return starts_in(agent, model, now) + run_seconds(agent, model, ask.size, ask.home)


def cost_of(ask: Ask, agent: Agent, model: ModelInfo, now: float) -> float:
    """Seconds until it would be done there, weighed; last of all where it failed before."""
    cost = seconds_of(ask, agent, model, now) * price_of(agent, model, now)
    avoid = ask.shape.avoid
    return cost + AVOIDED_COST if avoid and agent.agent_id in avoid else cost


def price_of(agent: Agent, model: ModelInfo, now: float) -> float:
    """What a second there counts for; once more where the model is cold: it takes the memory from one that others wait for."""
    price = agent.demand.price(now)
    return price if price == 1.0 or agent.holds(model) else price * price


def cheapest(ask: Ask, places: list[Place], now: float) -> Candidate | None:
    """The place that costs least. Only of those that tie it matters who they are."""
    if len(places) < 2:
        return measure(ask, *places[0], now) if places else None
    costs = [cost_of(ask, agent, model, now) for agent, model in places]
    most = min(costs) + SAME_SECONDS
    ties = [place for cost, place in zip(costs, places, strict=True) if cost <= most]
    if len(ties) == 1:
        return measure(ask, *ties[0], now)
    return min((measure(ask, *place, now) for place in ties), key=attrgetter("order"))


def choose(ask: Ask, fleet: Fleet, places: list[Place]) -> Candidate | None:
    """Who gets it now, among those places that are free; None when it waits."""
    best = cheapest(ask, places, fleet.clock)
    return None if best is None or is_better_kept(ask, best, fleet) else best


def _works(agent: Agent, now: float) -> bool:
    """Whether a slot of it will be free: not of one that refuses what it is offered."""
    return agent.slots > 0 and agent.full_until <= now


def is_better_kept(ask: Ask, free: Candidate, fleet: Fleet) -> bool:
    """Whether the busy would have done the task, and its rivals, by the time at which the best of the free would have done this one.

    Only those count that have the model warm: the others will sooner take what needs no other model there. Those that are dearer than
    the free one must be sooner by as much. An agent that failed the task before gets it only where no other works on what it could do.
    """
    if free.avoided:
        return any(agent.agent_id not in ask.shape.avoid and _works(agent, fleet.clock) for agent, _ in fleet.places(ask.shape))
    if not ask.patient or len(fleet.free) == len(fleet.agents):
        return False
    warm = free.model is not None and free.agent.holds(free.model)
    within, left = free.seconds * (WORTH_WAITING_WARM if warm else WORTH_WAITING_COLD), ask.rivals
    if left > fleet.most_done(ask.shape, ask.size, within):
        return False
    for agent, model in fleet.busy_places(ask.shape):
        if agent.agent_id not in ask.shape.avoid:
            left -= done_by(
                agent, model, ask.size, fleet.clock, within * min(1.0, free.price / agent.demand.price(fleet.clock))
            )
            if left <= 0:
                return True
    return False
