"""Who has nothing to do and has not been measured yet, and whom a waiting task could use. Pure."""

from collections.abc import Collection, Iterable
from typing import Final

from bus.messages import AgentRegistration, AgentStatus
from coordinator.agents.agent import Agent
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.shapes import lacking

UNKNOWN: Final = "unknown hardware"


class Idleness:
    """`seconds` that an agent must have been idle; None: nobody ever is for long enough."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def since_long(self, agents: Iterable[Agent], now: float) -> list[Agent]:
        """Online, without an attempt, and not measured just now, each time that it was looked. `now` by the leader's clock."""
        idle = [agent for agent in agents if agent.status is AgentStatus.ONLINE and not agent.attempts and not agent.measuring]
        self._since = {agent.agent_id: self._since.get(agent.agent_id, now) for agent in idle}
        if self._seconds is None:
            return []
        return [agent for agent in idle if now - self._since[agent.agent_id] >= self._seconds]

    def begin_anew(self, agent_id: str, now: float) -> None:
        self._since[agent_id] = now


def new_model(agent: Agent, measured: Collection[tuple[str, str, str]]) -> str | None:
    """What to measure by itself: a model that is in memory, else the agent's own choice while nothing is.

    No other is loaded for it: that would take the memory from one that somebody uses.
    """
    hardware = hardware_of(agent.registration)
    own = agent.model(None)
    loaded = [model for model in agent.models if model.loaded] or ([own] if own is not None else [])
    return next((model.name for model in loaded if (agent.agent_id, model.name, hardware) not in measured), None)


def hardware_of(registration: AgentRegistration) -> str:
    """For a person to read, and for two to be compared by."""
    known = registration.hardware
    parts = [
        known.gpu_type,
        f"{known.vram_gb:g} GB of VRAM" if known.vram_gb else None,
        f"{known.cpu_cores} cores" if known.cpu_cores else None,
        f"{known.ram_gb:g} GB" if known.ram_gb else None,
    ]
    return ", ".join(part for part in parts if part) or UNKNOWN


def wanted(queue: Queue, agent: Agent) -> bool:
    """Whether a task waits that the agent could have."""
    return any(
        (shape.pin is None or shape.pin == agent.agent_id) and lacking(shape, agent, agent.model(shape.model)) is None
        for shape in {line.shape for line in queue.lines}
    )
