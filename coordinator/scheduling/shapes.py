"""What matters about a task for where it may run, and who is able to run it. Tasks of one shape are alike to the scheduler. Pure."""

from dataclasses import dataclass, field, replace

from bus.messages import AgentStatus, ModelInfo, Requirements
from coordinator.agents.agent import Agent
from coordinator.tasks import Task


@dataclass(frozen=True, slots=True)
class Shape:
    """`capabilities` are the least proficiencies, from 0 to 1; `vram_gb` the least memory, in GiB. A pin or a None asks for what it says, or nothing."""

    model: str | None
    capabilities: tuple[tuple[str, float], ...]
    labels: tuple[tuple[str, str], ...]
    vram_gb: float | None
    pin: str | None
    avoid: frozenset[str]
    hashed: int = field(init=False, repr=False, compare=False)
    """Made once: a shape is looked up several times a decision."""
    asked: "Shape" = field(init=False, repr=False, compare=False)
    """The same that avoids nobody: who is able does not hang on that, and each of many lost tasks avoids another agent."""

    def __post_init__(self) -> None:
        made = hash((self.model, self.capabilities, self.labels, self.vram_gb, self.pin, self.avoid))
        object.__setattr__(self, "hashed", made)
        object.__setattr__(self, "asked", replace(self, avoid=frozenset()) if self.avoid else self)

    def __hash__(self) -> int:
        return self.hashed

    @classmethod
    def of(
        cls, model: str | None, require: Requirements, pin: str | None = None, avoid: frozenset[str] = frozenset()
    ) -> "Shape":
        capabilities, labels = tuple(sorted(require.capabilities.items())), tuple(sorted(require.labels.items()))
        return cls(model, capabilities, labels, require.vram_gb, pin, avoid)


def shape_of(task: Task) -> Shape:
    """Of a task that waits or runs."""
    return Shape.of(task.model, task.require, task.pin, task.avoid)


def unable(shape: Shape, agent: Agent, model: ModelInfo | None) -> str | None:
    """Why not now; None when it is able."""
    if agent.status is not AgentStatus.ONLINE:
        return f"{agent.status}" + (f": {agent.reason}" if agent.reason else "")
    if shape.pin is not None and shape.pin != agent.agent_id:
        return f"the task is assigned to {shape.pin} by hand"
    lack = lacking(shape, agent, model)
    if lack is None and shape.pin is None and model is not None:  # a person's word counts for more
        return agent.held.get(model.name)
    return lack


def lacking(shape: Shape, agent: Agent, model: ModelInfo | None) -> str | None:
    """What the task asks for and the agent does not have, however long one waits; None when it has everything."""
    if model is None:
        return "it has no model" if shape.model is None else f"it does not have the model {shape.model}"
    for name, least in shape.capabilities:
        if agent.traits.proficiency(name) < least:
            return f"its proficiency in {name} is {agent.traits.proficiency(name):g}, asked is {least:g}"
    for name, value in shape.labels:
        if agent.traits.labels.get(name) != value:
            return f"it does not have the label {name}={value}"
    if shape.vram_gb is not None and (agent.registration.hardware.vram_gb or 0.0) < shape.vram_gb:
        return f"it has {agent.registration.hardware.vram_gb or 0:g} GiB of VRAM, asked are {shape.vram_gb:g}"
    return None
