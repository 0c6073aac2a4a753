"""From the name that a client writes to the model that its task names: aliases, stand-ins, and what the key may use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bus import auth, subjects
from bus.errors import PermissionDenied
from bus.messages import AgentRecord, AgentStatus, Claims
from bus.messages.aliases import ModelAlias
from bus.model_names import tagged
from bus.submit import listed
from coordinator.gateway.llm.chain import Chain

TOLD: Final = timedelta(seconds=30)
"""So long after it was last heard a host's models are still told. One whose sidecar is upgraded is away for some seconds, and tasks wait
for it; clients that find their model gone from the list choose another for good.
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that clients are shown. `created` is a time in seconds since 1970."""

    name: str
    created: int = 0


def told_of(agents: Iterable[AgentRecord], now: datetime) -> list[AgentRecord]:
    """The hosts that are there, or were a moment ago. Pure."""
    return [
        agent
        for agent in agents
        if agent.status is not AgentStatus.OFFLINE or (agent.last_seen is not None and now - agent.last_seen < TOLD)
    ]


def resolve(name: str, aliases: Mapping[str, ModelAlias], agents: Iterable[AgentRecord], claims: Claims) -> Chain:
    """What is asked for by that name: first of the models that are on a host that is there. Pure. Raises what `chain_of` does."""
    models = chain_of(name, aliases, claims)
    return Chain(models, present(agents) if len(models) > 1 else ())


def chain_of(name: str, aliases: Mapping[str, ModelAlias], claims: Claims) -> tuple[str, ...]:
    """The models that a name stands for, the best first; the name itself where that is no alias. Pure. PermissionDenied for a key that
    may use neither the alias nor a model of its chain.
    """
    alias = aliases.get(subjects.model_key(name))
    chain = (name,) if alias is None else alias.models
    if claims.models and not auth.allows_model(claims, name):
        allowed = tuple(model for model in chain if auth.allows_model(claims, model))
        if not allowed:
            raise PermissionDenied(f"This key may not use {name!r}, only {listed(claims.models)}.")
        chain = allowed
    return chain


def present(agents: Iterable[AgentRecord]) -> set[str]:
    """The models, with their tags, of agents that take work, and take it for this model."""
    return {
        tagged(model.name)
        for agent in agents
        if agent.status is AgentStatus.ONLINE
        for model in agent.models
        if model.name not in agent.merits.held
    }


def listing(agents: Iterable[AgentRecord], aliases: Iterable[ModelAlias], claims: Claims) -> list[Listed]:
    """Every model of these hosts, and every alias that stands for one of them, by name; what the key may use. Pure."""
    found: dict[str, Listed] = {}
    for agent in agents:
        created = int(agent.created_at.timestamp()) if agent.created_at else 0
        for model in agent.models:
            found.setdefault(tagged(model.name), Listed(model.name, created))
    shown = {name: listed for name, listed in found.items() if auth.allows_model(claims, listed.name)}
    for alias in aliases:
        target = next((found[tagged(model)] for model in alias.models if tagged(model) in found), None)
        allowed = auth.allows_model(claims, alias.alias) or any(auth.allows_model(claims, model) for model in alias.models)
        if target is not None and allowed:
            shown.setdefault(tagged(alias.alias), Listed(alias.alias, target.created))
    return sorted(shown.values(), key=lambda each: each.name)
