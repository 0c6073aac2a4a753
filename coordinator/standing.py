"""Where a waiting task stands: who goes before it and why, and so what has changed when it stands further back. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from coordinator.fleet import Place
from coordinator.prediction import service_seconds


class Delay(StrEnum):
    """Why a task stands further back than before."""

    PRIORITY = "more urgent tasks came"
    FAIRNESS = "it is the turn of others, who have had less"
    RETRY = "an earlier task of the same owner came back"


@dataclass(frozen=True, slots=True)
class Standing:
    """How many tasks go before it, were all alike and any agent able."""

    urgent: int
    """Of a higher priority."""
    others: int
    """Of other owners, by their turn."""
    earlier: int
    """Of the same owner."""

    @property
    def position(self) -> int:
        """1 is next."""
        return 1 + self.urgent + self.others + self.earlier


def delay(before: Standing, after: Standing) -> Delay | None:
    """What put it back most; None where nothing did."""
    if after.position <= before.position:
        return None
    rises = {
        Delay.PRIORITY: after.urgent - before.urgent,
        Delay.RETRY: after.earlier - before.earlier,
        Delay.FAIRNESS: after.others - before.others,
    }
    return max(rises, key=lambda reason: rises[reason])


def tasks_a_second(able: Iterable[Place]) -> float:
    """Of a typical size, as is predicted of the able agents; 0 where there are none."""
    return sum(agent.slots / service_seconds(agent, model) for agent, model in able)
