"""The models of the fleet, as the union of what its agents tell; and who could pull what. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, TypeVar

from bus.messages import AgentRecord, AgentStatus, Hardware, ModelInfo
from bus.messages.models import ModelElsewhere, ModelOnAgent, ModelRecord
from bus.model_names import same_model, tagged

T = TypeVar("T")

GIB: Final = 1024**3
LOADED_FACTOR: Final = 1.2
"""A loaded model takes so much of its file's size where nobody has measured it: weights, and room for its context."""

Found = tuple[AgentRecord, ModelInfo]


def model_records(agents: Iterable[AgentRecord]) -> tuple[ModelRecord, ...]:
    """By name."""
    agents = sorted(agents, key=lambda agent: agent.agent_id)
    found: defaultdict[str, list[Found]] = defaultdict(list)
    for agent in agents:
        for model in agent.models:
            found[tagged(model.name)].append((agent, model))
    return tuple(_record(copies, agents) for _, copies in sorted(found.items()))


def model_record(name: str, agents: Iterable[AgentRecord]) -> ModelRecord | None:
    """With a word about every agent that does not have it; None for a model that no agent has."""
    agents = sorted(agents, key=lambda agent: agent.agent_id)
    copies = [(agent, model) for agent in agents for model in agent.models if same_model(model.name, name)]
    if not copies:
        return None
    record = _record(copies, agents)
    need = memory_needed([model for _, model in copies])
    return record.model_copy(update={"elsewhere": tuple(_elsewhere(agent, need) for agent in _without(copies, agents))})


def _record(copies: list[Found], agents: list[AgentRecord]) -> ModelRecord:
    models = [model for _, model in copies]
    here = tuple(_on_agent(agent, model) for agent, model in copies)
    loaded = [found for found in here if found.loaded and found.status is not AgentStatus.OFFLINE]
    need = memory_needed(models)
    return ModelRecord(
        name=models[0].name,
        family=_first(model.family for model in models),
        parameter_size=_first(model.parameter_size for model in models),
        quantization=_first(model.quantization for model in models),
        size_bytes=_first(model.size_bytes for model in models),
        context_limit=_first(model.context_limit for model in models),
        agents=here,
        loaded_on=tuple(found.agent_id for found in loaded),
        could_pull=tuple(agent.agent_id for agent in _without(copies, agents) if no_pull(agent, need) is None),
        vram_bytes=sum(found.vram_bytes or 0 for found in loaded),
        running=sum(found.running for found in here),
    )


def _without(copies: list[Found], agents: list[AgentRecord]) -> list[AgentRecord]:
    having = {agent.agent_id for agent, _ in copies}
    return [agent for agent in agents if agent.agent_id not in having]


def _on_agent(agent: AgentRecord, model: ModelInfo) -> ModelOnAgent:
    return ModelOnAgent(
        agent_id=agent.agent_id,
        status=agent.status,
        loaded=model.loaded,
        size_bytes=model.size_bytes,
        vram_bytes=model.vram_bytes,
        memory_bytes=model.memory_bytes,
        context_length=model.context_length,
        context_reason=model.context_reason,
        digest=model.digest,
        running=running_with(agent, model.name),
    )


def _elsewhere(agent: AgentRecord, need_bytes: int | None) -> ModelElsewhere:
    reason = no_pull(agent, need_bytes)
    return ModelElsewhere(
        agent_id=agent.agent_id, could_pull=reason is None, reason=reason or "its backend pulls, and it has room"
    )


def running_with(agent: AgentRecord, model: str) -> int:
    """Attempts that run there with the model."""
    return sum(count for name, count in agent.working.items() if same_model(name, model))


def memory_needed(copies: Iterable[ModelInfo]) -> int | None:
    """Bytes that a model takes in memory: the most that any copy takes, else by its file. None where nothing is known."""
    copies = list(copies)
    if measured := [model.memory_bytes for model in copies if model.loaded and model.memory_bytes]:
        return max(measured)
    sizes = [model.size_bytes for model in copies if model.size_bytes]
    return int(max(sizes) * LOADED_FACTOR) if sizes else None


def memory_of(hardware: Hardware) -> int | None:
    """Bytes that models may take: those of its cards, else of the host. None where it does not tell."""
    gib = hardware.vram_gb or hardware.ram_gb
    return int(gib * GIB) if gib else None


def no_pull(agent: AgentRecord, need_bytes: int | None) -> str | None:
    """Why the agent could not pull and hold a model of so many bytes; None where it could, as far as is known."""
    if agent.status is AgentStatus.OFFLINE:
        return "it is offline"
    if agent.backend != "ollama":
        return f"its backend ({agent.backend}) does not pull models"
    memory = memory_of(agent.hardware)
    if memory is not None and need_bytes is not None and need_bytes > memory:
        kind = "VRAM" if agent.hardware.vram_gb else "memory"
        return f"it has {memory / GIB:.1f} GiB of {kind}, and about {need_bytes / GIB:.1f} are needed"
    return None


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
