"""Whether an agent could have a task at all, however long one waits. Pure."""

from bus.messages import AgentStatus, ModelInfo
from coordinator.registry import Agent
from coordinator.shapes import Shape


def unable(shape: Shape, agent: Agent, model: ModelInfo | None) -> str | None:
    """Why not now; None when it is able."""
    if agent.status is not AgentStatus.ONLINE:
        return f"{agent.status}" + (f": {agent.reason}" if agent.reason else "")
    if shape.pin is not None and shape.pin != agent.agent_id:
        return f"the task is assigned to {shape.pin} by hand"
    return lacking(shape, agent, model)


def lacking(shape: Shape, agent: Agent, model: ModelInfo | None) -> str | None:
    """What the task asks for and the agent does not have, however long one waits; None when it has everything."""
    if model is None:
        return "it has no model" if shape.model is None else f"it does not have the model {shape.model}"
    offered = {capability.name: capability.proficiency for capability in agent.registration.capabilities}
    for name, least in shape.capabilities:
        if offered.get(name, 0.0) < least:
            return f"its proficiency in {name} is {offered.get(name, 0.0):g}, asked is {least:g}"
    for name, value in shape.labels:
        if agent.registration.labels.get(name) != value:
            return f"it does not have the label {name}={value}"
    if shape.vram_gb is not None and (agent.registration.hardware.vram_gb or 0.0) < shape.vram_gb:
        return f"it has {agent.registration.hardware.vram_gb or 0:g} GB of VRAM, asked are {shape.vram_gb:g}"
    return None
