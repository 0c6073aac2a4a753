"""The fold: events and metrics in, one picture of the hive's performance out. No I/O; the clock is passed in.

An end is counted once, however often and in whatever order it is told: the event's id is deterministic, so the coordinator's
repetition after a crash carries the same one. A task that was requeued by hand ends twice, with a higher rank and another id,
and both ends count, each for the agent that brought it about: what is told here only grows.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bus.messages import AgentChange, AgentPerformance, AgentStatus, ClusterPerformance, PerformanceMetrics, TaskEvent
from bus.messages.cluster import ModelQuality, UserQuality, WorkflowQuality
from bus.messages.events import WorkflowEvent
from bus.messages.readings import MonitorReadings
from bus.model_names import tagged
from bus.tenancy import HOME, person
from monitor.groups import Groups
from monitor.tally import Tally, execution_tally, tally
from monitor.window import LastHour


@dataclass(frozen=True, slots=True)
class Heard:
    """The last metrics of an agent, and when they came, by the monitor's own clock in seconds."""

    metrics: PerformanceMetrics
    at: float


class Ledger:
    """`started` is when the monitor did; `remembered` bounds the ids of ends that are known as counted."""

    def __init__(self, started: datetime, *, fresh_seconds: float, remembered: int) -> None:
        self._since = started
        self._fresh_seconds = fresh_seconds
        self._remembered = remembered
        self._counted: dict[str, None] = {}
        self._tallies: defaultdict[str | None, Tally] = defaultdict(Tally)
        self._heard: dict[str, Heard] = {}
        self._models = Groups[str]()
        self._users, self._workflows = Groups[tuple[str, str]](), Groups[tuple[str, str]]()
        self._lately, self._executions_lately = LastHour(), LastHour()

    def count(self, event: TaskEvent, tenant: str = HOME) -> bool:
        """An end counts for the agent that worked on it, and for nobody when the task never reached one. False: it is none, or was counted."""
        if not event.data.status.terminal or not self._first_time(event.id):
            return False
        self._since = min(self._since, event.timestamp)
        found = tally(event.data)
        self._tallies[event.data.agent_id] += found
        self._lately.add(event.timestamp, found)
        self._users.add((tenant, event.data.owner), found)
        if event.data.model is not None:
            self._models.add(tagged(event.data.model), found, event.timestamp)
        return True

    def count_execution(self, event: WorkflowEvent, tenant: str = HOME) -> bool:
        """The same of an execution, for its workflow."""
        if not event.data.status.ended or not self._first_time(event.id):
            return False
        found = execution_tally(event.data)
        self._executions_lately.add(event.timestamp, found)
        if event.data.workflow_id is not None:
            self._workflows.add((tenant, str(event.data.workflow_id)), found, event.timestamp)
        return True

    def _first_time(self, event_id: str) -> bool:
        if event_id in self._counted:
            return False
        self._counted[event_id] = None
        if len(self._counted) > self._remembered:
            del self._counted[next(iter(self._counted))]
        return True

    def measure(self, metrics: PerformanceMetrics, now: float) -> None:
        """The last to come are the latest: the bus keeps the order of one sender, and clocks of hosts may jump."""
        self._heard[metrics.agent_id] = Heard(metrics, now)

    def meet(self, change: AgentChange) -> None:
        """An agent is shown from the moment it is known; one that went offline has no present metrics."""
        self._tallies[change.agent_id] += Tally()
        if change.status is AgentStatus.OFFLINE:
            self._heard.pop(change.agent_id, None)

    def present(self, now: float) -> list[PerformanceMetrics]:
        """What agents measured last, of those that are there. Another thread may ask."""
        return [heard.metrics for heard in list(self._heard.values()) if now - heard.at <= self._fresh_seconds]

    def performance(self, now: float, tenant: str | None = None) -> ClusterPerformance:
        """Agents by name, and the whole; users and workflows of one tenant, or of all."""
        whole = sum(self._tallies.values(), Tally())
        return ClusterPerformance(
            **whole.quality,
            agents=self.agents(now),
            models=self._models.told(lambda name, own: ModelQuality(model=name, **own.quality)),
            users=tuple(
                UserQuality(user=name if tenant else person(of, name), **own.quality)
                for (of, name), own in self._users
                if tenant in (None, of)
            ),
            workflows=tuple(
                WorkflowQuality(workflow_id=UUID(name), **own.quality)
                for (of, name), own in self._workflows
                if tenant in (None, of)
            ),
            completion_tokens=whole.completion_tokens,
            mean_task_seconds=whole.mean_task_seconds,
            since=self._since,
        )

    def agents(self, now: float) -> tuple[AgentPerformance, ...]:
        """By name."""
        names = sorted({name for name in self._tallies if name is not None} | set(self._heard))
        return tuple(self._agent(name, now) for name in names)

    def models(self, now: datetime) -> tuple[ModelQuality, ...]:
        """By name. Counts go back to `since`, and rates are of the last hour: among all that ever ended, what fails now is lost."""
        lately = self._models.lately
        return self._models.told(lambda name, own: ModelQuality(model=name, **own.quality | lately(name, now).rates))

    def workflows(self, now: datetime) -> tuple[WorkflowQuality, ...]:
        """Those of all tenants, as `models`."""
        lately = self._workflows.lately
        return self._workflows.told(
            lambda key, own: WorkflowQuality(workflow_id=UUID(key[1]), **own.quality | lately(key, now).rates)
        )

    def readings(self, now: datetime, clock: float) -> MonitorReadings:
        """For a scrape: what is known here of it. `clock` is that of `measure`."""
        return MonitorReadings(
            execution_success_rate=self._executions_lately.sum(now).success_rate,
            mean_task_seconds=self._lately.sum(now).mean_task_seconds,
            agents=tuple(self.present(clock)),
            models=self.models(now),
        )

    def _agent(self, agent_id: str, now: float) -> AgentPerformance:
        own, heard = self._tallies.get(agent_id, Tally()), self._heard.get(agent_id)
        return AgentPerformance(
            **own.quality,
            agent_id=agent_id,
            metrics=heard.metrics if heard and now - heard.at <= self._fresh_seconds else None,
            generation_tokens_per_second=own.generation_tokens_per_second,
            mean_task_seconds=own.mean_task_seconds,
        )
