"""What an agent offers a task, all things considered: labels and proficiencies. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bus.messages import AgentRegistration
from coordinator.scheduling.track import Track


@dataclass(frozen=True, slots=True)
class Traits:
    """`labels` are the declared ones and, before them, those that a person gave; `proficiencies` the effective ones.

    Replaced when one of them changes, so that whoever remembers a verdict sees by the object whether it holds.
    """

    labels: Mapping[str, str]
    proficiencies: Mapping[str, float]
    best: float = field(init=False, compare=False)
    """Of all its proficiencies; 0 for an agent without any."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "best", max(self.proficiencies.values(), default=0.0))

    def proficiency(self, capability: str) -> float:
        """0 for one that the agent does not have."""
        return self.proficiencies.get(capability, 0.0)


def traits_of(registration: AgentRegistration, given_labels: Mapping[str, str], track: Track, now: datetime | None) -> Traits:
    """`now` None: nothing was measured yet. Rounded, so that not every attempt makes another agent of it."""
    factor = 1.0 if now is None else track.at_time(now).factor
    scores = {capability.name: round(capability.proficiency * factor, 3) for capability in registration.capabilities}
    return Traits(labels={**registration.labels, **given_labels}, proficiencies=scores)
