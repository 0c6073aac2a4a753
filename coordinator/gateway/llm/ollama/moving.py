"""Which hosts an order of a client of Ollama means, and what it is told of the jobs that come of it. The client names no host. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from bus.errors import BackendError, Conflict, HiveError, from_code
from bus.messages import AgentRecord, AgentStatus
from bus.messages.models import JobStatus, ModelJob
from bus.model_names import same_model

_PULLING: Final = "pulling "
_MANIFEST: Final = "manifest"


def having(model: str, agents: Iterable[AgentRecord], *, loaded: bool = False) -> tuple[str, ...]:
    """The agents that are there and have it, or have it in memory."""
    return tuple(
        agent.agent_id
        for agent in agents
        if agent.status is not AgentStatus.OFFLINE
        and any(same_model(found.name, model) and (found.loaded or not loaded) for found in agent.models)
    )


def pulled_to(model: str, agents: Sequence[AgentRecord]) -> tuple[str, ...]:
    """Where a pull goes: to the Ollamas that have it already, to be renewed; else to the one with the most memory, the fewest models
    in a tie. Empty where there is no Ollama.
    """
    able = _ollamas(agents)
    if there := having(model, able):
        return there
    best = sorted(able, key=lambda agent: (-_memory_gib(agent), len(agent.models), agent.agent_id))
    return tuple(agent.agent_id for agent in best[:1])


def made_on(model: str, source: str, agents: Sequence[AgentRecord]) -> tuple[str, ...]:
    """Where a model is made of another: on every Ollama that has the other; empty where none does. Conflict where the name is another
    host's already, which would keep what it has: two models would have one name.
    """
    there = having(source, _ollamas(agents))
    if there and (others := [agent for agent in having(model, agents) if agent not in there]):
        raise Conflict(
            f"{model} is on {', '.join(others)} too, which has no {source} to make it of. Delete it first, or take another name."
        )
    return there


def _ollamas(agents: Iterable[AgentRecord]) -> list[AgentRecord]:
    return [agent for agent in agents if agent.backend == "ollama" and agent.status is not AgentStatus.OFFLINE]


def _memory_gib(agent: AgentRecord) -> float:
    return agent.hardware.vram_gb or agent.hardware.ram_gb or 0.0


def step_of(jobs: Sequence[ModelJob]) -> dict[str, Any]:
    """One line of a pull. The bytes are those of all layers on all hosts, as far as they are known; clients draw a bar a `digest`."""
    at_work = [job for job in jobs if not job.status.terminal] or list(jobs)
    said = at_work[0].step or "pulling manifest"
    line: dict[str, Any] = {"status": said}
    layer = said.removeprefix(_PULLING)
    if layer != said and not layer.startswith(_MANIFEST):
        total = sum(job.bytes_total or 0 for job in jobs)
        line |= {"digest": f"sha256:{layer}", "total": total, "completed": sum(job.bytes_done or 0 for job in jobs)}
    return line


def failure_of(jobs: Iterable[ModelJob]) -> HiveError | None:
    """What went wrong, host by host, as the first error; None where nothing did."""
    failed = [job for job in jobs if job.status in (JobStatus.FAILED, JobStatus.CANCELLED)]
    if not failed:
        return None
    said = " ".join(f"{job.agent_id}: {job.error.message if job.error else job.step or 'it failed.'}" for job in failed)
    if failed[0].error is None:
        return from_code((Conflict if failed[0].status is JobStatus.CANCELLED else BackendError).code, said)
    return from_code(failed[0].error.code, said)
