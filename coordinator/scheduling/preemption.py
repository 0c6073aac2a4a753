"""Which attempts yield their slots to tasks that are more urgent: pure.

A task that said so yields to one of a higher priority that finds no slot, unless both have by now risen to the same: so it is
interrupted for a bounded time only. The freed slot goes to whoever is the most urgent by then. Nothing yields where slots enough
are about to be free, or where a busy agent is predicted to be done with the urgent task sooner all the same.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice
from typing import Final

from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.scheduling.bands import Band, Line
from coordinator.scheduling.choice import Candidate, is_better_kept, price_of
from coordinator.scheduling.decision import ask_of
from coordinator.scheduling.fleet import Fleet
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.prediction import has_room, run_seconds
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.warmth import Place
from coordinator.tasks import Task

SOON_SECONDS: Final = 1.0
"""An attempt that is predicted to end within it frees its slot as soon as one that is told to yield."""


@dataclass(frozen=True, slots=True)
class Running:
    """A preemptible task, and its attempt."""

    task: Task
    attempt: OpenAttempt


class Preemption:
    """One decision. `level` is how urgent a task is by now, the least first."""

    def __init__(self, queue: Queue, fleet: Fleet, policy: Policy, level: Callable[[Task], int]) -> None:
        self._queue, self._fleet, self._policy, self._level = queue, fleet, policy, level

    def chosen(self, running: Collection[Running]) -> list[OpenAttempt]:
        """Those to be told, none of which was told before."""
        left = [known for known in running if known.attempt.accepted and not known.attempt.yielding]
        if not left:
            return []
        coming = Counter(
            {
                agent.agent_id: sum(self._ends_soon(attempt) for attempt in agent.attempts.values())
                for agent in self._fleet.agents
            }
        )
        told: list[OpenAttempt] = []
        for priority, band in self._queue.bands.items():
            below = [known for known in left if known.task.priority > priority]
            for line in band.lines if below else ():
                if line.home is None and not self._fleet.has_place(line.shape, None):
                    found = self._for(band, line, below, coming)
                    below = [known for known in below if known not in found]
                    left = [known for known in left if known not in found]
                    told += [known.attempt for known in found]
        return told

    def _ends_soon(self, attempt: OpenAttempt) -> bool:
        """One that has lasted longer than was predicted may do so for long."""
        ends_at, now = attempt.ends_at, self._fleet.clock
        return attempt.yielding or attempt.superseded or (ends_at is not None and now <= ends_at <= now + SOON_SECONDS)

    def _for(self, band: Band, line: Line, below: list[Running], coming: Counter[str]) -> list[Running]:
        """For the tasks of one priority that are alike: a slot for each, less those that are coming anyway."""
        waiting, places = band.lines[line], {agent.agent_id: (agent, model) for agent, model in self._fleet.places(line.shape)}
        served = 0
        for agent_id in places:
            used = min(waiting - served, coming[agent_id])
            coming[agent_id] -= used
            served += used
        head = band.first({line})
        if head is None or served >= waiting:
            return []
        task = self._queue[head.order[1]]
        ask = ask_of(self._policy, self._queue, task, line, self._fleet.clock)
        able = []
        for known in below:
            place = places.get(known.attempt.agent_id)
            if place is None or not self._would_help(place, known, task):
                continue
            agent, model = place
            seconds = run_seconds(agent, model, task.size)
            freed = Candidate(agent, None, model, seconds, 1, price_of(agent, model, self._fleet.clock))
            if not is_better_kept(ask, freed, self._fleet):
                able.append((-self._level(known.task), freed.cost, -known.attempt.opened_at, known))
        best = (known for *_, known in sorted(able, key=lambda found: found[:3]))
        others = (self._queue[task_id] for _, task_id in islice(band.oldest(line), served, None))
        return [known for known, other in zip(best, others, strict=False) if self._level(known.task) > self._level(other)]

    def _would_help(self, place: Place, known: Running, task: Task) -> bool:
        """Whether its slot would be free for the task, and the memory."""
        agent, model = place
        if len(agent.attempts) > agent.slots or agent.full_until > self._fleet.clock or not _is_current(agent, known.attempt):
            return False
        room = agent.holds(model) or has_room(agent, model, without=known.attempt)
        return room and self._level(known.task) > self._level(task)


def _is_current(agent: Agent, attempt: OpenAttempt) -> bool:
    return attempt.id in agent.attempts and not attempt.superseded
