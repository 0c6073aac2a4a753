"""Who gets which task: pure. The time is passed in, in seconds of the leader's clock and, for what was stored, as the time of day.

1. Of each priority, the task of the owner whose turn it is (fairness.py), oldest first; a task whose model is warm on the agent may
   for a moment go before one that would need another there.
2. Among those, the highest priority, after each has risen by one for every `ageing_seconds` that its task has waited; those that
   have risen to the same take turns. Now and then what has waited far longer goes first, whoever's turn it is (ageing.py).
3. It goes to the agent that is predicted to finish it first, seconds of those that others wait for counting for more (choice.py),
   or waits for that one.
4. For what finds no slot, a less urgent task that is preemptible yields its own (preemption.py).

A decision looks at lines, owners and free agents, never at every task: it costs the same however many wait.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from bus.messages import MAX_PRIORITY, MIN_PRIORITY
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.scheduling.ageing import Ageing
from coordinator.scheduling.bands import Line
from coordinator.scheduling.choice import Ask
from coordinator.scheduling.decision import Decision, Placement, ask_of
from coordinator.scheduling.fleet import Fleet, Verdicts
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.prediction import ASSUMED_PROMPT_RATE, service_seconds
from coordinator.scheduling.preemption import Preemption, Running
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.sessions import Home
from coordinator.scheduling.shapes import Shape, shape_of
from coordinator.scheduling.standing import Standing, tasks_a_second
from coordinator.tasks import Task

__all__ = ["Placement", "Scheduler"]

WAITED_SECONDS: Final = 1.0
"""A line in which something has waited for so long makes the agents dearer that could do it."""


class Scheduler:
    """Of one term: what it remembers between decisions, such as whose turn it was, goes with its leader."""

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy or Policy()
        self._verdicts = Verdicts()
        self._ageing = Ageing(self._policy)
        self._turn = 0
        self._served = dict.fromkeys(range(MIN_PRIORITY, MAX_PRIORITY + 1), 0)
        """When each priority was last served, counted in placements."""

    def next(self, queue: Queue, fleet: Fleet, now: datetime) -> Placement | None:
        """What to give out next, and to whom; None when nothing that waits can, or should, run now."""
        if not len(queue) or not fleet.free:
            return None
        risen, turn = partial(self._urgency, now=now), partial(self._ageing.turn, now=now)
        return Decision(queue, fleet, self._policy, risen, turn).best()

    def yields(self, queue: Queue, running: Collection[Running], fleet: Fleet, now: datetime) -> list[OpenAttempt]:
        """The attempts to be told to yield their slots, after everything that can be given out was."""
        if not running or not len(queue):
            return []
        level = partial(self._ageing.level, now=now)
        return Preemption(queue, fleet, self._policy, level).chosen(running)

    def fleet(self, agents: Collection[Agent], clock: float) -> Fleet:
        """The agents as they are at that second of the leader's clock."""
        return Fleet(agents, self._verdicts, clock)

    def _urgency(self, task: Task, now: datetime) -> tuple[int, int, int]:
        return self._ageing.level(task, now), self._served[task.priority], task.priority

    def take(self, queue: Queue, placement: Placement) -> None:
        """The placement is made: it leaves the queue, and its owner's turn is over."""
        task, agent, line = placement.task, placement.agent, placement.line
        self._turn += 1
        self._served[task.priority] = self._turn
        self._ageing.placed(agent.agent_id, overdue=placement.overdue)
        queue.bands[task.priority].shares.charge(task.person, service_seconds(agent, placement.model, task.size))
        line.passed_since = None
        kept = line.kept.get(task.priority)
        if kept is not None and agent.agent_id not in kept.free:  # else patience was over, and is so for the next of the line
            del line.kept[task.priority]
        if task.session is not None:
            speed = agent.speeds.get(placement.model.name)
            rate = speed.prompt_rate if speed is not None else None
            queue.sessions.remember(task.session, Home(agent.agent_id, rate or ASSUMED_PROMPT_RATE))
        queue.remove(task.id)
        for left in queue.lines:
            left.waits_since = placement.at if left.waits_since is None else left.waits_since
        if any(self._waits_for(agent, left, placement.at) for left in queue.lines):
            agent.demand.add(service_seconds(agent, placement.model, task.size), agent.slots, placement.at)

    def _waits_for(self, agent: Agent, line: Line, clock: float) -> bool:
        """Whether the agent could do it, and it has found no slot for some time: what has only just come is about to get one."""
        waited = line.waits_since is not None and clock - line.waits_since >= WAITED_SECONDS
        could = line.home in (None, agent.agent_id) and next(self._verdicts.places(line.shape, (agent,)), None) is not None
        return waited and could

    def ask(self, queue: Queue, task: Task, clock: float) -> Ask:
        """What `next` asks for this task, once it is the first of its line."""
        return ask_of(self._policy, queue, task, queue.line(task), clock)

    def standings(self, queue: Queue, tasks: Iterable[Task], clock: float, now: datetime) -> dict[UUID, Standing]:
        """Who goes before each, as things stand; without those that have no place."""
        heads = [queue[head.order[1]] for band in queue.bands.values() if (head := band.first(band.lines)) is not None]
        found: dict[UUID, Standing] = {}
        for task in tasks:
            standing = queue.standing(task.id)
            if standing is not None:
                mine = self._urgency(task, now)
                aged = sum(head.priority > task.priority and self._urgency(head, now) < mine for head in heads)
                found[task.id] = replace(standing, aged=aged, grouped=int(self._is_passed(queue, task, clock)))
        return found

    def _is_passed(self, queue: Queue, task: Task, clock: float) -> bool:
        """Whether it is the first of its line, and somebody of another line goes before it for the sake of a warm model."""
        line, band = queue.line(task), queue.bands[task.priority]
        if line.passed_since is None or clock - line.passed_since >= self._policy.grouping_seconds:
            return False
        head = band.first([line])
        return head is not None and head.order[1] == task.id and len(band) > band.lines[line]

    def eta_seconds(self, standings: Mapping[UUID, Standing], queue: Queue, agents: Collection[Agent]) -> dict[UUID, float]:
        """Seconds until each begins; without those that no agent is able to do."""
        rates: dict[Shape, float] = {}
        found: dict[UUID, float] = {}
        for task_id, standing in standings.items():
            shape = shape_of(queue[task_id])
            if shape not in rates:
                rates[shape] = tasks_a_second(self._verdicts.places(shape, agents))
            if rates[shape]:
                found[task_id] = standing.position / rates[shape]
        return found
