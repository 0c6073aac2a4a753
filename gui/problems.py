"""What is wrong right now, worst first, in words that say what to do. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from bus.errors import BusUnavailable, DatabaseUnavailable, NoLeader
from bus.messages import AgentStatus, ClusterStatus, TaskStatus
from bus.messages.alerts import Alert, AlertScope, AlertState, Severity
from gui.frames import AgentRow, Level, Problem, TaskRow
from gui.services import POSTGRES, REDIS
from gui.tasks import milliseconds

RECENT = timedelta(hours=1)
FEW = 3
"""Names that one line holds."""
_AWAY: Final = {
    POSTGRES: Problem(
        level=Level.ERROR,
        code=DatabaseUnavailable.code,
        title="PostgreSQL does not answer",
        text="Tasks are accepted and kept, and what runs goes on; nothing is begun until it is back: see `hive logs postgres`.",
    ),
    "gateway": Problem(
        level=Level.ERROR,
        code="gateway_silent",
        title="The gateway does not answer",
        text="The API is away, and no task can be sent. What waits and what runs goes on: see `hive logs gateway`.",
    ),
    "workflow": Problem(
        level=Level.WARNING,
        code="workflow_silent",
        title="No workflow engine answers",
        text="Executions wait where they are, and go on once one is back: see `hive logs workflow`.",
    ),
    "monitor": Problem(
        level=Level.WARNING,
        code="monitor_silent",
        title="The monitor does not answer",
        text="No alert is raised, and usage and history stand still, until it is back: see `hive logs monitor`.",
    ),
    REDIS: Problem(
        level=Level.WARNING,
        code="redis_silent",
        title="Redis does not answer",
        text="Nothing stops without it; counts and lists may take longer: see `hive logs valkey`.",
    ),
}
"""Of a coordinator more is known than whether it speaks; the dashboard itself would not show it."""


def find(
    *,
    bus: bool,
    coordinator: bool,
    as_of: datetime | None = None,
    away: Mapping[str, datetime] = MappingProxyType({}),
    cluster: ClusterStatus | None,
    agents: Iterable[AgentRow],
    alerts: Iterable[Alert] = (),
    tasks: Iterable[TaskRow],
    now: datetime,
) -> tuple[Problem, ...]:
    """Of the whole hive; `tasks` are those that the asker may see. `as_of`: when the bus or the leader spoke last, whichever is away.

    `away`: when each service spoke that does not now.
    """
    if not bus:
        return (
            _error(
                BusUnavailable.code,
                "The bus does not answer",
                "Nothing can be submitted until it is back: see `hive logs nats`. The page goes on by itself then.",
                as_of,
            ),
        )
    known = list(agents)
    found = [
        *_coordination(coordinator, as_of),
        *(
            problem.model_copy(update={"silent_ms": milliseconds(away[name])})
            for name, problem in _AWAY.items()
            if name in away
        ),
        *_starving(known, cluster),
        *_agents(known),
        *_alerts(alerts, known),
        *_failures(tasks, now),
    ]
    return tuple(sorted(found, key=lambda problem: problem.level is not Level.ERROR))


def _coordination(coordinator: bool, as_of: datetime | None) -> Iterator[Problem]:
    if not coordinator:
        yield _error(
            NoLeader.code,
            "No coordinator leads",
            "Tasks are still accepted and kept, and start once one leads again: see `hive logs coordinator`.",
            as_of,
        )


def _agents(agents: list[AgentRow]) -> Iterator[Problem]:
    """Each by itself, or many that have the same in one line."""
    same: dict[str, list[Problem]] = {}
    for problem in _each_agent(agents):
        same.setdefault(problem.code, []).append(problem)
    for code, found in same.items():
        if len(found) <= FEW:
            yield from found
        else:
            what, names = code.removeprefix("agent_"), [problem.agent_id or "" for problem in found]
            yield Problem(
                level=found[0].level, code=code, title=f"{len(found)} agents are {what}", text=_few(names), agents=True
            )


def _few(names: list[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def _each_agent(agents: list[AgentRow]) -> Iterator[Problem]:
    for agent in sorted(agents, key=lambda row: row.id):
        if agent.status is AgentStatus.OFFLINE:
            text = agent.reason or "Its sidecar is not connected. Start it again on the host, or remove the agent."
            yield _of_agent(agent, Level.ERROR, "agent_offline", "is offline", text)
        elif agent.silent:
            yield _of_agent(agent, Level.WARNING, "agent_silent", "is silent", "Its heartbeats stopped a few seconds ago.")
        elif agent.status is AgentStatus.DEGRADED:
            yield _of_agent(agent, Level.WARNING, "agent_degraded", "is degraded", agent.reason or "Its backend has trouble.")


def _alerts(alerts: Iterable[Alert], agents: list[AgentRow]) -> Iterator[Problem]:
    """What fires and nobody looks after, by rule. That an agent is down is said of the agent itself."""
    down = {agent.id for agent in agents if agent.status is AgentStatus.OFFLINE}
    rules: dict[str, list[Alert]] = {}
    for alert in sorted(alerts, key=lambda each: (each.rule, each.entity)):
        said = alert.scope is AlertScope.AGENT and alert.entity in down
        if alert.state is AlertState.FIRING and alert.severity is not Severity.INFO and not said:
            rules.setdefault(alert.rule, []).append(alert)
    for firing in rules.values():
        yield _of_rule(firing)


def _of_rule(firing: list[Alert]) -> Problem:
    one, names = firing[0], [alert.entity for alert in firing]
    where = _few(names)
    level = Level.ERROR if any(alert.severity is Severity.CRITICAL for alert in firing) else Level.WARNING
    text = where if one.summary is None else f"{where}: {one.summary}"
    return Problem(level=level, code="alert_firing", title=f"{one.rule} fires", text=text, alerts=True)


def _starving(agents: list[AgentRow], cluster: ClusterStatus | None) -> Iterator[Problem]:
    waiting = sum(cluster.queue.values()) if cluster else 0
    able = any(agent.status in (AgentStatus.ONLINE, AgentStatus.DEGRADED) for agent in agents)
    if waiting and not able:
        subject = "A task waits" if waiting == 1 else f"{waiting} tasks wait"
        yield _error("no_agent", f"{subject} and no agent is online", "They start once a host is back or a new one is added.")


def _failures(tasks: Iterable[TaskRow], now: datetime) -> Iterator[Problem]:
    since = milliseconds(now - RECENT)
    failed = [row for row in tasks if row.status is TaskStatus.FAILED and (row.ended_ms or 0) >= since]
    if failed:
        codes = Counter(row.error.code if row.error else "unknown" for row in failed)
        subject = "A task failed" if len(failed) == 1 else f"{len(failed)} tasks failed"
        text = ", ".join(f"{code} × {count}" if count > 1 else code for code, count in codes.most_common(3))
        yield Problem(
            level=Level.WARNING,
            code=codes.most_common(1)[0][0],
            title=f"{subject} within the hour",
            text=text,
            failed_tasks=True,
        )


def _error(code: str, title: str, text: str, as_of: datetime | None = None) -> Problem:
    return Problem(level=Level.ERROR, code=code, title=title, text=text, as_of_ms=as_of and milliseconds(as_of))


def _of_agent(agent: AgentRow, level: Level, code: str, what: str, text: str) -> Problem:
    return Problem(level=level, code=code, title=f"{agent.id} {what}", text=text, agent_id=agent.id)
