"""One decision of the scheduler: what was found out of queue and agents for one priority holds for the next. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final

from bus.messages import ModelInfo
from coordinator.agents.agent import Agent
from coordinator.scheduling.bands import Band, Head, Kept, Line
from coordinator.scheduling.choice import Ask, cheapest, cost_of, is_better_kept
from coordinator.scheduling.fleet import Fleet
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.queue import Queue
from coordinator.tasks import Task

KEPT_SECONDS: Final = 0.25
"""So long it stands that a task is better kept: a tick."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Decided `at` a second of the leader's clock; `seconds` later it is predicted to be done."""

    task: Task
    line: Line
    agent: Agent
    model: ModelInfo
    seconds: float
    at: float
    overdue: bool = False
    """Given to what was overdue there for longest, whoever's turn it is."""


def ask_of(policy: Policy, queue: Queue, task: Task, line: Line, clock: float) -> Ask:
    """What the choice is asked for the first task of a line. One whose attempt failed or was lost takes what is free."""
    return Ask(
        line.shape,
        task.size,
        line.home,
        rivals(queue, task.priority, line) + (task.id not in queue),
        not task.avoid and is_patient(policy, line, task.priority, clock),
    )


def rivals(queue: Queue, priority: int, line: Line) -> int:
    """How many of the line are as urgent, or more."""
    return sum(band.lines.get(line, 0) for other, band in queue.bands.items() if other <= priority)


def is_patient(policy: Policy, line: Line, priority: int, clock: float) -> bool:
    """Whether those of this priority were not kept for too long already."""
    kept = line.kept.get(priority)
    return kept is None or clock - kept.since < policy.patience_seconds


Overdue = Callable[[Task], float]
"""Seconds; negative while it is not."""


class Decision:
    """`risen` is how urgent a task is: the least first. `turn` says of an agent whether what is overdue has its next placement."""

    def __init__(
        self,
        queue: Queue,
        fleet: Fleet,
        policy: Policy,
        risen: Callable[[Task], tuple[int, ...]],
        turn: Callable[[str], Overdue | None],
    ) -> None:
        self._queue, self._fleet, self._policy, self._risen, self._turn = queue, fleet, policy, risen, turn
        able = fleet.with_place(queue.lines)
        self._open = {
            band: {line for line in able & band.lines.keys() if not (line.kept and self._is_still_kept(line, priority))}
            for priority, band in queue.bands.items()
        }
        """Of each priority the lines whose head could start now, as far as is known."""
        self._fronts = {band: head for band, lines in self._open.items() if lines and (head := band.first(lines)) is not None}

    def best(self) -> Placement | None:
        """What to give out next, and where; None when nothing can, or should, start now."""
        while self._fronts:
            band, head = min(self._fronts.items(), key=lambda front: self._risen(self._queue[front[1].order[1]]))
            found = self._place(head)
            if found is not None:
                return self._overdue_first(found) or self._warm_first(band, found)
            self._pass(band, head.line)
        return None

    def _pass(self, band: Band, line: Line) -> None:
        self._open[band].discard(line)
        head = band.first(self._open[band])
        if head is None:
            del self._fronts[band]
        else:
            self._fronts[band] = head

    def _place(self, head: Head) -> Placement | None:
        """None when it is better kept for a busy agent."""
        task, line = self._queue[head.order[1]], head.line
        ask = ask_of(self._policy, self._queue, task, line, self._fleet.clock)
        best = cheapest(ask, self._fleet.free_places(line.shape, line.home), self._fleet.clock)
        if best is None or best.model is None:
            return None
        if not is_better_kept(ask, best, self._fleet):
            return Placement(task, line, best.agent, best.model, best.seconds, self._fleet.clock)
        kept, now = line.kept.get(task.priority), self._fleet.clock
        line.kept[task.priority] = Kept(kept.since if kept else now, now, ask, best.cost, self._fleet.free_ids)
        return None

    def _is_still_kept(self, line: Line, priority: int) -> bool:
        """What was decided a moment ago stands, unless more wait, or somebody has become free who would be sooner."""
        kept, now = line.kept.get(priority), self._fleet.clock
        if kept is None or not 0 <= now - kept.at < KEPT_SECONDS or not is_patient(self._policy, line, priority, now):
            return False
        if rivals(self._queue, priority, line) > kept.ask.rivals:
            return False
        freed = self._fleet.freed_places(line.shape, kept.free)
        return all(cost_of(kept.ask, agent, model, now) >= kept.cost for agent, model in freed)

    def _overdue_first(self, found: Placement) -> Placement | None:
        """Before its owner's turn, now and then: else ever new owners could pass one over for ever."""
        overdue = self._turn(found.agent.agent_id)
        heads = [] if overdue is None else self._longest_overdue(overdue, found.agent)
        if not heads:
            return None
        _, head = max(heads, key=itemgetter(0))
        instead = found if head.order[1] == found.task.id else self._place(head)
        return replace(instead, overdue=True) if instead is not None and instead.agent is found.agent else None

    def _longest_overdue(self, overdue: Overdue, agent: Agent) -> list[tuple[float, Head]]:
        """Of each priority, among what the agent could do."""
        found = []
        for band, lines in self._open.items():
            for head in band.by_age():
                seconds = overdue(self._queue[head.order[1]])
                if seconds < 0:
                    break
                if head.line in lines and self._is_open(head.line, agent):
                    found.append((seconds, head))
                    break
        return found

    def _is_open(self, line: Line, agent: Agent) -> bool:
        return self._fleet.free_model(line.shape, line.home, agent) is not None

    def _warm_first(self, band: Band, found: Placement) -> Placement:
        """Before an agent swaps its model, those that need the one it has: for some seconds, not for ever."""
        line, agent = found.line, found.agent
        if agent.holds(found.model) or line.shape.avoid or self._was_passed(line):
            return found
        others = {other for other in self._open[band] if other is not line and self._is_warm(other, agent)}
        head = band.first(others) if others else None
        instead = None if head is None else self._place(head)
        if instead is None or instead.agent is not agent:
            return found
        line.passed_since = self._fleet.clock if line.passed_since is None else line.passed_since
        return instead

    def _was_passed(self, line: Line) -> bool:
        return line.passed_since is not None and self._fleet.clock - line.passed_since >= self._policy.grouping_seconds

    def _is_warm(self, line: Line, agent: Agent) -> bool:
        model = self._fleet.free_model(line.shape, line.home, agent)
        return model is not None and agent.holds(model)
