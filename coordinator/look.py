"""One look at queue and agents, for one decision: what was found out for one priority holds for the next. Pure."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bus.messages import ModelInfo
from coordinator.ability import Verdicts
from coordinator.bands import Band, Head, Line
from coordinator.choice import Ask, Candidate, better_wait, measure, soonest
from coordinator.policy import Policy
from coordinator.queue import Queue
from coordinator.registry import Agent
from coordinator.shapes import Shape
from coordinator.tasks import Task

_Place = tuple[Agent, ModelInfo]


@dataclass(frozen=True, slots=True)
class Placement:
    """`seconds` until it is predicted to be done."""

    task: Task
    line: Line
    agent: Agent
    model: ModelInfo
    seconds: float


def ask_of(policy: Policy, queue: Queue, task: Task, line: Line, clock: float) -> Ask:
    """Rivals are those of its line that are as urgent, or more."""
    rivals = sum(band.lines.get(line, 0) for priority, band in queue.bands.items() if priority <= task.priority)
    patient = line.kept_since is None or clock - line.kept_since < policy.patience_seconds
    return Ask(line.shape, task.size, line.home, max(1, rivals), patient)


class Look:
    def __init__(
        self, policy: Policy, known: Verdicts, queue: Queue, agents: Collection[Agent], free: list[Agent], clock: float
    ) -> None:
        self._policy, self._known, self._queue, self._clock = policy, known, queue, clock
        self._agents, self._free = agents, free
        self._places: dict[Line, list[_Place]] = {}

    def of(self, band: Band) -> Placement | None:
        """What to give out next of one priority, and where."""
        lines = {line for line in band.lines if self._places_of(line)}
        while lines and (head := band.first(lines)) is not None:
            found = self._place(head)
            if found is not None:
                return self._warm_first(band, lines, found)
            lines.discard(head.line)
        return None

    def _places_of(self, line: Line) -> list[_Place]:
        """The free agents that are able; none while the one that the line is kept for is not among them."""
        places = self._places.get(line)
        if places is None:
            places = self._places[line] = list(self._able(line.shape, self._free))
            if line.home is not None and all(agent.agent_id != line.home for agent, _ in places):
                places.clear()
        return places

    def _able(self, shape: Shape, agents: Iterable[Agent]) -> Iterator[_Place]:
        for agent in agents:
            model = self._known.model(shape, agent)
            if model is not None:
                yield agent, model

    def _place(self, head: Head) -> Placement | None:
        """None when it is better kept for a busy agent."""
        task, line = self._queue[head.order[1]], head.line
        ask = ask_of(self._policy, self._queue, task, line, self._clock)
        best = soonest(measure(ask, agent, model, self._clock) for agent, model in self._places_of(line))
        if best is None or best.model is None:
            return None
        if self._is_kept(ask, best):
            line.kept_since = self._clock if line.kept_since is None else line.kept_since
            return None
        return Placement(task, line, best.agent, best.model, best.seconds)

    def _is_kept(self, ask: Ask, best: Candidate) -> bool:
        if len(self._free) == len(self._agents) or not ask.patient:
            return False
        most = self._known.most_done(ask.shape, ask.size, self._agents, best.seconds, self._clock)
        return ask.rivals <= most and better_wait(ask, best, self._able(ask.shape, self._agents), self._clock)

    def _warm_first(self, band: Band, lines: set[Line], found: Placement) -> Placement:
        """Before an agent swaps its model, those that need the one it has: for some seconds, not for ever."""
        line, agent = found.line, found.agent
        if agent.holds(found.model) or self._was_passed(line):
            return found
        others = {other for other in lines if other is not line and self._is_warm(other, agent)}
        head = band.first(others) if others else None
        instead = None if head is None else self._place(head)
        if instead is None or instead.agent is not agent:
            return found
        line.passed_since = self._clock if line.passed_since is None else line.passed_since
        return instead

    def _was_passed(self, line: Line) -> bool:
        return line.passed_since is not None and self._clock - line.passed_since >= self._policy.grouping_seconds

    def _is_warm(self, line: Line, agent: Agent) -> bool:
        return any(agent is place and agent.holds(model) for place, model in self._places_of(line))
