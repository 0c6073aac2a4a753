"""What stands ordered about one agent, and what that makes of its own word. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bus.messages import AgentStatus
from bus.messages.orders import StandingDrain

_WORKS = (AgentStatus.ONLINE, AgentStatus.DEGRADED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """`labels` were given by people; `maintenance` says why the agent rests while a window is open."""

    drain: StandingDrain | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    maintenance: str | None = None

    @property
    def hold(self) -> str | None:
        """Why it is given nothing, for a person."""
        if self.drain is not None:
            return f"drained by {self.drain.by}" + (f": {self.drain.reason}" if self.drain.reason else "")
        return self.maintenance

    def shown(self, status: AgentStatus, reason: str | None) -> tuple[AgentStatus, str | None]:
        """Its status and why, by what its sidecar says of it."""
        hold = self.hold
        return (AgentStatus.DRAINING, hold) if hold is not None and status in _WORKS else (status, reason)


def relabelled(given: Mapping[str, str], changes: Mapping[str, str | None], *, replace: bool) -> dict[str, str]:
    """The labels that people gave, once they are changed so."""
    merged = {**({} if replace else given), **changes}
    return {name: value for name, value in merged.items() if value is not None}
