"""The leader's spans: what a task waited, and the report of its attempt until it is a fact. Written when they have ended."""

from collections.abc import Iterable
from datetime import datetime
from time import time_ns

from bus import subjects, tracing
from coordinator.agents.agent import OpenAttempt
from coordinator.leading.inputs import Input, OutcomeRead
from coordinator.tasks import Task


def waited(task: Task, attempt: OpenAttempt, now: datetime) -> None:
    """Until its first attempt was placed, since it was submitted. For a later one nobody knows since when."""
    if tracing.on() and attempt.number == 1:
        found = {"hive.task.id": str(task.id), "hive.agent.id": attempt.agent_id, "gen_ai.request.model": attempt.model}
        times = (_nanoseconds(task.created_at), _nanoseconds(now))
        tracing.record("queue", task.traceparent, tracing.span_id(attempt.id, "queue"), times, attributes=found)


def committed(inputs: Iterable[Input], since: datetime) -> None:
    """Of a turn that is committed: each report that it took is a child of its attempt."""
    if not tracing.on():
        return
    times = (_nanoseconds(since), time_ns())
    for taken in inputs:
        if isinstance(taken, OutcomeRead):
            received, attempt_id = taken.received, subjects.last_token(taken.received.subject)
            within = received.headers.get(subjects.HEADER_TRACEPARENT)
            found = {"hive.attempt.id": attempt_id}
            tracing.record("outcome", within, tracing.span_id(attempt_id, "outcome"), times, kind="consumer", attributes=found)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e9)
