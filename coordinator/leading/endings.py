"""The part of a turn that ends attempts: reports, refusals, deaths and timeouts become facts, or another try."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from bus import subjects, telemetry
from bus.errors import AgentLost, BackendError, HiveError
from bus.messages import AttemptOutcome, AttemptStatus, FailureInfo, OutcomeStatus, TaskStatus
from bus.messages.places import Delay
from coordinator.agents.learning import learn, learn_death
from coordinator.agents.registry import Lost
from coordinator.leading.continuing import added, broken_off
from coordinator.leading.facts import preempted_fact
from coordinator.leading.inputs import OfferRefused, OutcomeRead
from coordinator.leading.ledger import Ledger
from coordinator.store.rows import EndRow
from coordinator.tasks import Retry, Task, after_failure, timed_out

logger = telemetry.log(__name__)

YIELDED: Final = "it yielded its slot to a more urgent task"


class Endings:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def take(self, inputs: list[OutcomeRead]) -> None:
        for taken in inputs:
            try:
                outcome = taken.received.decode(AttemptOutcome)
            except HiveError as error:
                logger.error("outcome_unreadable", subject=taken.received.subject, error=error.message)
                unreadable = _unreadable(taken.received.subject, error)
                if unreadable is None:
                    continue
                outcome = unreadable
            if subjects.last_token(taken.received.subject) in self._ledger.state.unstorable_outcomes:
                problem = FailureInfo(code=BackendError.code, message="The attempt's report could not be stored.")
                outcome = outcome.model_copy(update={"status": OutcomeStatus.FAILED, "error": problem, "retryable": True})
            learn(self._ledger.state.registry, outcome, self._ledger.now)
            self._outcome(outcome)

    def _outcome(self, outcome: AttemptOutcome) -> None:
        attempt = self._ledger.state.registry.close(outcome.attempt_id)
        model = attempt.model if attempt is not None else None
        task = self._ledger.state.live.get(outcome.task_id)
        if task is None or self._ledger.state.current.get(outcome.task_id) != outcome.attempt_id:
            self._end_attempt(outcome, AttemptStatus(outcome.status.value), outcome.error)
            if outcome.status is not OutcomeStatus.COMPLETED:
                self._ledger.record.keep_output(outcome)
            return
        if outcome.status is OutcomeStatus.COMPLETED:
            if attempt is not None:
                agent = self._ledger.state.registry.agents[attempt.agent_id]
                agent.refusals = 0
            self._end(task, outcome.attempt_id, TaskStatus.COMPLETED, outcome.agent_id, model, outcome=outcome)
        elif outcome.status is OutcomeStatus.CANCELLED:
            self._end_attempt(outcome, AttemptStatus.CANCELLED)
            self._end(task, outcome.attempt_id, TaskStatus.CANCELLED, outcome.agent_id, model)
            self._ledger.record.keep_output(outcome)
        elif outcome.status is OutcomeStatus.PREEMPTED:
            self._preempted(task, outcome, model)
        else:
            error = outcome.error or FailureInfo(code="backend_error", message="The backend failed and said nothing.")
            self._end_attempt(outcome, AttemptStatus.FAILED, error)
            self._failed(
                task, outcome.attempt_id, outcome.agent_id, error, retryable=outcome.retryable, model=model, outcome=outcome
            )

    def _end_attempt(self, outcome: AttemptOutcome, status: AttemptStatus, error: FailureInfo | None = None) -> None:
        self._ledger.record.end_attempt(outcome.attempt_id, status, error, begins_at=outcome.begins_at)

    def _preempted(self, task: Task, outcome: AttemptOutcome, model: str | None) -> None:
        """It yielded to a more urgent task, which costs it none of its attempts."""
        self._end_attempt(outcome, AttemptStatus.PREEMPTED)
        if (broken := broken_off(task, outcome)) is not None:
            self._failed(task, outcome.attempt_id, outcome.agent_id, broken, retryable=False, model=model, outcome=outcome)
            return
        fact = preempted_fact(task, self._ledger.now, outcome.agent_id, outcome.attempt_id)
        self._ledger.followup.facts.append(fact)
        again = task.evolve(attempts_allowed=task.attempts_allowed + 1, back=Delay.PRIORITY)
        self._retry(again, outcome.attempt_id, YIELDED, outcome)

    def _failed(
        self,
        task: Task,
        attempt_id: UUID,
        agent_id: str,
        error: FailureInfo,
        *,
        retryable: bool,
        model: str | None,
        outcome: AttemptOutcome | None = None,
    ) -> None:
        broken = broken_off(task, outcome) if retryable and outcome is not None else None
        if broken is not None:
            error, retryable = broken, False
        wrote = outcome is not None and added(outcome) > 0
        decision = after_failure(task, agent_id, error, retryable=retryable, now=self._ledger.now, wrote=wrote)
        if isinstance(decision, Retry):
            self._retry(decision.task, attempt_id, f"{error.code}: {error.message}", outcome)
            return
        self._end(task, attempt_id, TaskStatus.FAILED, agent_id, model, error=decision.error)
        if outcome is not None:
            self._ledger.record.keep_output(outcome)

    def _end(
        self, task: Task, attempt_id: UUID, status: TaskStatus, agent_id: str | None, model: str | None, **more: Any
    ) -> None:
        """`model` is what the attempt ran, where that is known: the task itself may have named none."""
        self._ledger.state.leave(task.id)
        end = EndRow(task=task, attempt_id=attempt_id, status=status, **more)
        self._ledger.record.end(end)
        self._ledger.ended.append((task.id, status))
        took = {"usage": end.outcome.usage, "timings": end.outcome.timings} if end.outcome else {}
        known = {"agent_id": agent_id, "attempt_id": attempt_id, "model": model or task.model}
        self._ledger.announce(task, status, error=end.error, **known, **took)

    def _retry(self, task: Task, attempt_id: UUID, reason: str, outcome: AttemptOutcome | None = None) -> None:
        self._ledger.state.leave(task.id)
        self._ledger.record.retry(task, attempt_id, outcome)
        self._ledger.state.queue.add(task, self._ledger.now)
        self._ledger.announce(task, TaskStatus.QUEUED, reason=reason)

    def refused(self, refused: OfferRefused) -> None:
        """A refusal is no failure of the task: it costs none of its attempts."""
        attempt = self._ledger.state.registry.close(refused.attempt_id)
        if attempt is None:
            return
        error = FailureInfo(code="agent_unable", message=refused.reason)
        self._ledger.record.end_attempt(attempt.id, AttemptStatus.REFUSED, error)
        agent = self._ledger.state.registry.agents[attempt.agent_id]
        if refused.pause_seconds:
            agent.refuse(refused.pause_seconds, self._ledger.clock)
        task = self._ledger.state.live.get(attempt.task_id)
        if task is not None and self._ledger.state.current.get(task.id) == attempt.id:
            self._retry(task.evolve(attempts_allowed=task.attempts_allowed + 1), attempt.id, refused.reason)

    def died(self, lost: Lost, written: Mapping[UUID, AttemptOutcome]) -> None:
        learn_death(lost, self._ledger.now)
        error = FailureInfo(code=AgentLost.code, message=f"The agent {lost.agent.agent_id} died: {lost.reason}.")
        for attempt in lost.attempts:
            task = self._ledger.state.live.get(attempt.task_id)
            left = written.get(attempt.id)
            left = left and left.model_copy(update={"error": error})
            self._ledger.record.end_attempt(attempt.id, AttemptStatus.LOST, error, begins_at=left.begins_at if left else 0)
            if task is not None and self._ledger.state.current.get(attempt.task_id) == attempt.id:
                self._failed(task, attempt.id, attempt.agent_id, error, retryable=True, model=attempt.model, outcome=left)

    def time_is_up(self, task_id: UUID) -> None:
        task, attempt_id = self._ledger.state.live.get(task_id), self._ledger.state.current.get(task_id)
        if task is None or attempt_id is None:
            return
        attempt = self._ledger.state.registry.open.get(attempt_id)
        if attempt is not None:
            attempt.superseded = True
            self._ledger.followup.cancels.append(attempt)
        agent_id, model = (None, None) if attempt is None else (attempt.agent_id, attempt.model)
        error = timed_out(task)
        self._ledger.record.end_attempt(attempt_id, AttemptStatus.FAILED, error)
        self._end(task, attempt_id, TaskStatus.FAILED, agent_id, model, error=error)


def _unreadable(subject: str, error: HiveError) -> AttemptOutcome | None:
    """A report of a sidecar that speaks otherwise still says which attempt has ended; else it would be offered again for ever."""
    try:
        agent_id, task_id, attempt_id = subjects.parse_outcome(subject)
    except ValueError:
        return None
    return AttemptOutcome(
        attempt_id=attempt_id,
        task_id=task_id,
        agent_id=agent_id,
        instance="unknown",
        status=OutcomeStatus.FAILED,
        error=FailureInfo(code=BackendError.code, message=f"The report of {agent_id} cannot be read: {error.message}"),
        retryable=True,
    )
