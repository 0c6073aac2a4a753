"""How an agent is: what it says in its heartbeat, and why it takes no work. Pure."""

from dataclasses import dataclass

from bus.errors import HiveError
from bus.messages import AgentStatus


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`model` must speak again before the fault is over: a backend that hangs or fails may still list its models."""

    reason: str
    model: str | None = None


class Condition:
    """`draining` is an order, `leaving` is the process's end, a fault is found out."""

    def __init__(self) -> None:
        self.draining = False
        self.leaving = False
        self.fault: Fault | None = Fault(reason="the backend has not answered yet")

    def fail(self, error: HiveError, model: str | None = None) -> None:
        """A model that failed outlives what is found out later about the backend's address: it asks for more to be over."""
        if self.fault is not None and self.fault.model is not None:
            return
        self.fault = Fault(reason=error.message, model=model)

    def recover(self) -> None:
        self.fault = None

    @property
    def status(self) -> AgentStatus:
        if self.draining or self.leaving:
            return AgentStatus.DRAINING
        return AgentStatus.DEGRADED if self.fault else AgentStatus.ONLINE

    @property
    def reason(self) -> str | None:
        if self.leaving:
            return "its sidecar is stopped"
        if self.draining:
            return "asked to drain"
        return self.fault.reason if self.fault else None

    @property
    def closed(self) -> str | None:
        """Why no offer is taken."""
        if self.draining or self.leaving:
            return "draining"
        return f"degraded: {self.fault.reason}" if self.fault else None
