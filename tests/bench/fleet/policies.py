"""Who gives which job to which host: the peers' ways, which choose at once and leave the waiting to the host, and Hive's."""

from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Protocol
from uuid import UUID

from bus.messages import AgentRegistration, AgentStatus, Hardware, ModelInfo, Timings, Usage
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.agents.registry import Registry
from coordinator.models.inventory import GIB
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.sizes import size
from coordinator.scheduling.speed import Speed
from coordinator.tasks import Task
from tests.bench.fleet.hosts import MODELS_GB, Host, Job

START = datetime(2025, 1, 1, tzinfo=UTC)


class Policy(Protocol):
    def arrives(self, job: Job) -> None: ...

    def ended(self, job: Job, host: Host) -> None: ...

    def give_out(self, now: float) -> list[tuple[Job, Host]]: ...


class AtOnce:
    """What proxies and gateways do: a request is passed on when it comes, to a host that has the model, and waits there."""

    def __init__(self, hosts: list[Host]) -> None:
        self.hosts, self._arrived = hosts, list[Job]()

    def arrives(self, job: Job) -> None:
        self._arrived.append(job)

    def ended(self, job: Job, host: Host) -> None:
        pass

    def give_out(self, now: float) -> list[tuple[Job, Host]]:
        given = [(job, self.choose([host for host in self.hosts if job.model in host.models], job)) for job in self._arrived]
        self._arrived = []
        return given

    def choose(self, able: list[Host], job: Job) -> Host:
        raise NotImplementedError


class RoundRobin(AtOnce):
    def __init__(self, hosts: list[Host]) -> None:
        super().__init__(hosts)
        self._turns = {model: cycle([host for host in hosts if model in host.models]) for model in MODELS_GB}

    def choose(self, able: list[Host], job: Job) -> Host:
        return next(self._turns[job.model])


class LeastConnections(AtOnce):
    """Olla, nginx: the fewest requests in flight."""

    def choose(self, able: list[Host], job: Job) -> Host:
        return min(able, key=lambda host: host.in_flight)


class LeastBusy(AtOnce):
    """LiteLLM's least-busy, told how many each host can do at once, which is its best setting."""

    def choose(self, able: list[Host], job: Job) -> Host:
        return min(able, key=lambda host: (host.in_flight / host.kind.slots, -host.kind.slots))


class WarmFirst(AtOnce):
    """ollama-herd, LocalAI: a host that has the model loaded and a free slot; else any free one; else the shortest queue, warm first."""

    def choose(self, able: list[Host], job: Job) -> Host:
        def cost(host: Host) -> tuple[bool, float, bool]:
            free, warm = host.in_flight < host.kind.slots, job.model in host.loaded
            return (not free, 0.0 if free and warm else host.in_flight / host.kind.slots + (0 if warm else 0.5), not warm)

        return min(able, key=cost)


class Hive:
    """The coordinator's own queue, registry and scheduler. It knows of a host what sidecars report, and of a job what a request says."""

    def __init__(self, hosts: list[Host]) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._registry, self._queue, self._scheduler = Registry(), Queue(), Scheduler()
        self._jobs: dict[UUID, Job] = {}
        for host in hosts:
            known = AgentRegistration(
                agent_id=host.name,
                name=host.name,
                endpoint="http://host",
                instance="one",
                slots=host.kind.slots,
                hardware=Hardware(vram_gb=host.kind.vram_gb * 1e9 / GIB),
            )
            self._registry.agents[host.name] = Agent(registration=known, status=AgentStatus.ONLINE, slots=host.kind.slots)
            self._hear(host)

    def _hear(self, host: Host) -> None:
        """What the sidecar says of its models."""
        agent = self._registry.agents[host.name]
        loaded = tuple(model in host.loaded for model in host.models)
        if tuple(model.loaded for model in agent.models) != loaded:
            agent.models = tuple(
                ModelInfo(name=name, loaded=name in host.loaded, size_bytes=int(MODELS_GB[name] * 1e9)) for name in host.models
            )

    def arrives(self, job: Job) -> None:
        task = Task(
            id=UUID(int=job.number),
            tenant="default",
            owner=job.user,
            priority=job.priority,
            sequence=job.number,
            created_at=START + timedelta(seconds=job.at),
            model=job.model,
            size=size(job.prompt_tokens, None),
        )
        self._jobs[task.id] = job
        self._queue.add(task, task.created_at)

    def ended(self, job: Job, host: Host) -> None:
        self._registry.close(UUID(int=job.number))
        self._hear(host)
        timings = Timings(
            prompt_tokens_per_second=host.prompt_rate(job.model), generation_tokens_per_second=host.generation_rate(job.model)
        )
        usage = Usage(prompt_tokens=job.prompt_tokens, completion_tokens=job.completion_tokens)
        self._registry.agents[host.name].speeds.setdefault(job.model, Speed()).learn(timings, usage)

    def give_out(self, now: float) -> list[tuple[Job, Host]]:
        given, noon = [], START + timedelta(seconds=now)
        for host in self._hosts.values():
            self._hear(host)
        fleet = self._scheduler.fleet(list(self._registry), now)
        while (placement := self._scheduler.next(self._queue, fleet, noon)) is not None:
            self._scheduler.take(self._queue, placement)
            attempt = OpenAttempt(
                id=placement.task.id,
                task_id=placement.task.id,
                agent_id=placement.agent.agent_id,
                instance="one",
                number=1,
                model=placement.model.name,
                opened_at=now,
                seen_at=now,
                ends_at=now + placement.seconds,
            )
            self._registry.take(attempt)
            fleet.given(placement.agent, placement.model)
            given.append((self._jobs.pop(placement.task.id), self._hosts[placement.agent.agent_id]))
        return given


POLICIES: dict[str, type[AtOnce] | type[Hive]] = {
    "round-robin": RoundRobin,
    "least-connections": LeastConnections,
    "least-busy": LeastBusy,
    "warm-first": WarmFirst,
    "hive": Hive,
}
