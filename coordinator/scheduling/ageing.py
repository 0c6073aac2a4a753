"""How urgent waiting makes a task, and when it goes before its owner's turn: pure.

A task counts as one priority higher for every span (`ageing_seconds`) that it has waited. That alone bounds nothing: a priority is
as urgent as the task whose owner's turn it is, and ever new owners may come before one that is in debt. So a task that has waited
one span more than it takes to rise to the first priority is overdue, and of an agent's placements one in OVERDUE_TURNS goes to what
is overdue there for longest. Whatever owners do, a task waits at most

    priority × span + OVERDUE_TURNS × (tasks that the agent can do and that were overdue before it, itself among them) placements

of an agent that can do it, and what its line is kept for a busy agent or passed over for a warm model.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from bus.messages import MIN_PRIORITY
from coordinator.scheduling.policy import Policy
from coordinator.tasks import Task

OVERDUE_TURNS: Final = 10
"""So an owner who floods has by age at most a tenth more than its share."""


class Ageing:
    """Of one term. `now` is the time of day, as tasks were stored with theirs."""

    def __init__(self, policy: Policy) -> None:
        self._span = policy.ageing_seconds
        self._others: dict[str, int] = {}
        """By agent: how many placements since what was overdue had one."""

    def level(self, task: Task, now: datetime) -> int:
        """Its priority, after it has risen for as long as it waits, or has run."""
        return max(MIN_PRIORITY, task.priority - int(self._waited(task, now) / self._span))

    def overdue_seconds(self, task: Task, now: datetime) -> float:
        """For how long; negative until it is."""
        return self._waited(task, now) - task.priority * self._span

    def _waited(self, task: Task, now: datetime) -> float:
        return max(0.0, (now - task.created_at).total_seconds())

    def turn(self, agent_id: str, now: datetime) -> Callable[[Task], float] | None:
        """How long tasks are overdue, where the agent's next placement is due to the one that is for longest; else None."""
        if self._others.get(agent_id, OVERDUE_TURNS) < OVERDUE_TURNS - 1:
            return None
        return lambda task: self.overdue_seconds(task, now)

    def placed(self, agent_id: str, *, overdue: bool) -> None:
        """`overdue`: it was the turn of what was overdue for longest."""
        self._others[agent_id] = 0 if overdue else self._others.get(agent_id, OVERDUE_TURNS) + 1
