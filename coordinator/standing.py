"""Where a waiting task stands: who goes before it and why, and so what has changed when it stands further back. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from coordinator.prediction import service_seconds
from coordinator.sizes import Size
from coordinator.verdicts import Place


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


def eta_seconds(standing: Standing, size: Size, able: Iterable[Place]) -> float | None:
    """Until it begins, by what the able agents are predicted to do in a second; None where none is able."""
    tasks_a_second = sum(agent.slots / service_seconds(agent, model, size) for agent, model in able)
    return standing.position / tasks_a_second if tasks_a_second else None
