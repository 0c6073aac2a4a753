"""What Ollama's clients are told of models: /api/tags, /api/ps and /api/show, as the union of all hosts. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bus import auth, subjects
from bus.messages import AgentRecord, AgentStatus, Claims, ModelInfo
from bus.messages.aliases import ModelAlias
from bus.model_names import same_model, tagged
from coordinator.gateway.llm.names import listing

VERSION: Final = "0.6.5"
"""Of the Ollama that this door is held to, field by field. Copilot insists on 0.6.4 at least."""
LONG_AGO: Final = datetime.fromtimestamp(0, UTC)
Aliases = Mapping[str, ModelAlias]


def copies(name: str, agents: Iterable[AgentRecord]) -> list[ModelInfo]:
    """Of a model, on these hosts: those in memory first."""
    found = [model for agent in agents for model in agent.models if same_model(model.name, name)]
    return sorted(found, key=lambda model: not model.loaded)


def chain(name: str, aliases: Aliases) -> tuple[str, ...]:
    """The models that a name stands for, best first."""
    alias = aliases.get(subjects.model_key(name))
    return (name,) if alias is None else alias.models


def tags(agents: Iterable[AgentRecord], aliases: Aliases, claims: Claims) -> dict[str, Any]:
    """Each model once, wherever it is, and each alias with what it stands for."""
    agents, found = list(agents), []
    for listed in listing(agents, aliases.values(), claims):
        here = next(filter(None, (copies(name, agents) for name in (listed.name, *chain(listed.name, aliases)))), None)
        if here is not None:
            found.append(_tag(tagged(listed.name), here[0]))
    return {"models": found}


def ps(agents: Iterable[AgentRecord], claims: Claims) -> dict[str, Any]:
    """Each model in memory once, of the hosts that are there now. Its sizes are those of all its copies together, and it expires when the
    last one does.
    """
    agents = [agent for agent in agents if agent.status is not AgentStatus.OFFLINE]
    names = sorted({tagged(model.name) for agent in agents for model in agent.models if auth.allows_model(claims, model.name)})
    found = []
    for name in names:
        if loaded := [model for model in copies(name, agents) if model.loaded]:
            found.append(_loaded(name, loaded))
    return {"models": found}


def _tag(name: str, model: ModelInfo) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": _time(model.modified_at or LONG_AGO),
        "size": model.size_bytes or 0,
        "digest": model.digest or "",
        "details": details(model),
    }


def _loaded(name: str, loaded: list[ModelInfo]) -> dict[str, Any]:
    expiry = max((model.expires_at for model in loaded if model.expires_at is not None), default=LONG_AGO)
    context = max((model.context_length or 0 for model in loaded), default=0)
    return {
        "name": name,
        "model": name,
        "size": sum(model.memory_bytes or model.size_bytes or 0 for model in loaded),
        "digest": loaded[0].digest or "",
        "details": details(loaded[0]),
        "expires_at": _time(expiry),
        "size_vram": sum(model.vram_bytes or 0 for model in loaded),
        **({"context_length": context} if context else {}),
    }


def details(model: ModelInfo) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": model.file_format or "gguf",
        "family": model.family or "",
        "families": list(model.families) or ([model.family] if model.family else None),
        "parameter_size": model.parameter_size or "",
        "quantization_level": model.quantization or "",
    }


def shown(model: ModelInfo) -> dict[str, Any]:
    """Of a model whose host is no Ollama, as far as it is known: its context, and what a server with OpenAI's API can do."""
    family = model.family or "unknown"
    known: dict[str, Any] = {"general.architecture": family}
    if model.context_limit:
        known[f"{family}.context_length"] = model.context_limit
    return {
        "modelfile": f"FROM {model.name}\n",
        "template": "",
        "details": details(model),
        "model_info": known,
        "capabilities": ["completion", "tools"],
        "modified_at": _time(model.modified_at or LONG_AGO),
    }


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
