"""The fleet as the placement of models sees it, made of what the leader knows. Pure: the time is passed in."""

from collections.abc import Iterable
from math import inf

from bus.messages import AgentStatus
from bus.model_names import tagged
from coordinator.agents.agent import Agent
from coordinator.agents.registry import Registry
from coordinator.models.inventory import memory_of
from coordinator.models.placement import Held, Host
from coordinator.scheduling.queue import Queue


class View:
    """Remembers since when agents are away and models are idle. `now` is the leader's clock, in seconds."""

    def __init__(self) -> None:
        self._able_at: dict[str, float] = {}
        self._used_at: dict[tuple[str, str], float] = {}

    def hosts(self, registry: Registry, now: float) -> tuple[Host, ...]:
        agents = sorted(registry, key=lambda agent: agent.agent_id)
        self._forget({agent.agent_id for agent in agents})
        return tuple(self._host(agent, now) for agent in agents)

    def _host(self, agent: Agent, now: float) -> Host:
        absence = None
        if agent.status is not AgentStatus.ONLINE:
            absence = f"{agent.status}: {agent.reason}" if agent.reason else str(agent.status)
        if absence is None:
            self._able_at[agent.agent_id] = now
        away = inf if agent.status is AgentStatus.DRAINING else now - self._able_at.setdefault(agent.agent_id, now)
        return Host(
            agent_id=agent.agent_id,
            absence=absence,
            away_seconds=away if absence else 0.0,
            labels=agent.traits.labels,
            takes_orders=agent.registration.backend == "ollama",
            memory_bytes=memory_of(agent.registration.hardware),
            models=self._models(agent, now),
        )

    def _models(self, agent: Agent, now: float) -> dict[str, Held]:
        running = [tagged(attempt.model) for attempt in agent.attempts.values()]
        found: dict[str, Held] = {}
        for model in agent.models:
            name = tagged(model.name)
            key = (agent.agent_id, name)
            if name in running or not model.loaded:
                self._used_at[key] = now
            found[name] = Held(
                loaded=model.loaded,
                size_bytes=model.size_bytes,
                memory_bytes=model.memory_bytes,
                context=model.context_length,
                context_limit=model.context_limit,
                running=running.count(name),
                idle_seconds=now - self._used_at.setdefault(key, now),
            )
        return found

    def _forget(self, known: set[str]) -> None:
        self._able_at = {agent_id: at for agent_id, at in self._able_at.items() if agent_id in known}
        self._used_at = {key: at for key, at in self._used_at.items() if key[0] in known}


def waited_for(queue: Queue) -> frozenset[str]:
    """Models (tagged) that tasks in the queue name."""
    return frozenset(_tagged(line.shape.model for line in queue.lines))


def _tagged(models: Iterable[str | None]) -> Iterable[str]:
    return (tagged(model) for model in models if model is not None)
