"""What the end of an attempt says about its agent. Pure."""

from datetime import datetime, timedelta

from bus.errors import AgentLost
from bus.messages import AttemptOutcome, OutcomeStatus
from coordinator.agents.agent import Agent
from coordinator.agents.registry import Lost, Registry
from coordinator.scheduling.breaker import Breaker
from coordinator.scheduling.speed import Speed
from coordinator.scheduling.track import pace_of
from coordinator.tasks import INABILITIES


def learn(registry: Registry, outcome: AttemptOutcome, now: datetime) -> None:
    """To be told before the attempt is closed. One that was stopped from outside, or that would end so everywhere, says nothing."""
    attempt = registry.open.get(outcome.attempt_id)
    if attempt is None:
        return
    agent = registry.agents[attempt.agent_id]
    if outcome.status is OutcomeStatus.COMPLETED:
        agent.speeds.setdefault(attempt.model, Speed()).learn(outcome.timings, outcome.usage)
        pace = pace_of(outcome.timings, agent.registration.performance_targets)
        agent.track = agent.track.with_completed(pace, now)
        agent.breakers.pop(attempt.model, None)
    elif outcome.status is OutcomeStatus.FAILED and outcome.retryable and not _is_no_fault(outcome):
        agent.track = agent.track.with_failed(now)
        known = agent.breakers.get(attempt.model, Breaker())
        began = now - timedelta(seconds=outcome.timings.total_seconds or 0.0)
        agent.breakers[attempt.model] = known.after_failure(outcome.task_id, outcome.error, began, now, registry.policy)
    agent.appraise(now)
    agent.hold(now)


def learn_death(lost: Lost, now: datetime) -> None:
    """Of an agent that was lost with its attempts."""
    for _ in lost.attempts:
        lost.agent.track = lost.agent.track.with_failed(now)
    lost.agent.appraise(now)


def _is_no_fault(outcome: AttemptOutcome) -> bool:
    """Its sidecar was told to go, by a person who wants it so, or it cannot do such work and said so."""
    return outcome.error is not None and outcome.error.code in {AgentLost.code, *INABILITIES}


def is_measured(agent: Agent) -> bool:
    return bool(agent.speeds or agent.breakers) or agent.track.at is not None
