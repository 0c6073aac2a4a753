"""Where a waiting task stands: who goes before it and why, and so what has changed when it stands further back. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bus.messages.places import Delay, Rise
from coordinator.scheduling.prediction import service_seconds
from coordinator.scheduling.warmth import Place
from coordinator.tasks import Task


class Return(NamedTuple):
    """How many of an owner's tasks have come back to a place of the queue by now, and why the last one did."""

    number: int
    reason: Delay


NONE_CAME_BACK = Return(0, Delay.RETRY)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many tasks go before it, were all alike and any agent able."""

    urgent: int
    """Of a higher priority."""
    others: int
    """Of other owners, by their turn."""
    earlier: int
    """Of the same owner."""
    aged: int = 0
    """Of a lower priority, that have waited so long that it is their turn: the next of each."""
    grouped: int = 0
    """One whose model is warm, where its own would have to be loaded."""
    returned: Return = NONE_CAME_BACK
    """Of the same owner and priority."""
    attempts: int = 0
    """That the task itself has had."""

    @property
    def position(self) -> int:
        """1 is next."""
        return 1 + self.urgent + self.others + self.earlier + self.aged + self.grouped


def delay(before: Standing, after: Standing) -> Delay | None:
    """What put it back most; None where nothing did."""
    if after.position <= before.position:
        return None
    own = after.returned.reason if after.returned.number > before.returned.number else Delay.EARLIER
    rises = {
        Delay.PRIORITY: after.urgent - before.urgent,
        own: after.earlier - before.earlier,
        Delay.FAIRNESS: after.others - before.others,
        Delay.AGEING: after.aged - before.aged,
        Delay.GROUPING: after.grouped - before.grouped,
    }
    return max(rises, key=lambda reason: rises[reason])


def rise(task: Task, before: Standing | None, after: Standing, now: datetime) -> Rise | None:
    """Of a task since it was last looked at. One that has come back stood nowhere meanwhile: it was an agent's."""
    if after.attempts > (before.attempts if before else 0):
        return Rise(reason=task.back or Delay.RETRY, before=0, position=after.position, own=True, at=now)
    reason = None if before is None else delay(before, after)
    if before is None or reason is None:
        return None
    return Rise(reason=reason, before=before.position, position=after.position, at=now)


def tasks_a_second(able: Iterable[Place]) -> float:
    """Of a typical size, as is predicted of the able agents; 0 where there are none."""
    return sum(agent.slots / service_seconds(agent, model) for agent, model in able)
