"""One turn of the leader: a batch of inputs, one transaction, and what follows from it (docs/adr/0002).

The order within a turn is fixed: what ended frees slots, what arrived takes its place in the queue, and only then are the slots
given out. Nothing is offered or announced before the commit; if it fails, the leader drops its memory and begins anew.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from bus import subjects, telemetry
from bus.client import Bus, Received
from bus.errors import (
    AgentLost,
    AlreadyEnded,
    BackendError,
    Conflict,
    DependencyCycle,
    DependencyFailed,
    HiveError,
    InvalidRequest,
    TaskNotFound,
    UnknownDependency,
    UnknownModel,
)
from bus.messages import (
    AttemptOutcome,
    AttemptStatus,
    DispatchOffer,
    FailureInfo,
    OutcomeStatus,
    TaskRequest,
    TaskStatus,
)
from coordinator.database import Statements
from coordinator.facts import Fact, created_fact, task_fact, to_outbox
from coordinator.inputs import (
    AgentDied,
    AssignAsked,
    CancelAsked,
    Input,
    OfferAccepted,
    OfferRefused,
    OutcomeRead,
    RequeueAsked,
    SubmitRead,
    TimeIsUp,
)
from coordinator.queue import Shape
from coordinator.registry import Lost, OpenAttempt, Speed
from coordinator.rows import NewRow, dependency_edges, end_arguments, insert_arguments, task_from
from coordinator.scheduler import Placement, next_placement
from coordinator.state import OUTCOMES, State
from coordinator.tasks import GiveUp, Poison, Submitted, Task, after_failure, failure, interpret, timed_out

logger = telemetry.log(__name__)


class Deposed(Exception):
    """Another coordinator has taken a higher epoch: this one must stop writing."""


@dataclass(slots=True)
class Followup:
    """What to do once the turn is committed."""

    outbox_id: int | None = None
    facts: list[Fact] = field(default_factory=list)
    offers: list[tuple[OpenAttempt, DispatchOffer]] = field(default_factory=list)
    cancels: list[OpenAttempt] = field(default_factory=list)
    answers: list[tuple[Any, HiveError | None]] = field(default_factory=list)


@dataclass(slots=True)
class _AttemptEnd:
    attempt_id: UUID
    status: AttemptStatus
    error: FailureInfo | None = None


class Turn:
    """Made for one batch and used once, inside its transaction."""

    def __init__(
        self, state: State, statements: Statements, bus: Bus, now: datetime, clock: float, *, may_place: bool = True
    ) -> None:
        self._state, self._sql, self._bus, self._now, self._clock = state, statements, bus, now, clock
        self._may_place = may_place
        self._fresh: dict[UUID, NewRow] = {}
        self._attempt_ends: list[_AttemptEnd] = []
        self._ends: list[tuple[Task, UUID, TaskStatus, AttemptOutcome | None, FailureInfo | None]] = []
        self._ended: list[tuple[UUID, TaskStatus]] = []
        self._retries: list[tuple[Task, UUID]] = []
        self.followup = Followup()

    async def run(self, inputs: list[Input]) -> Followup:
        """Deposed when the epoch is no longer ours; whatever asyncpg raises when the commit cannot be."""
        await self._fence(inputs)
        await self._take_outcomes([i for i in inputs if isinstance(i, OutcomeRead)])
        for taken in inputs:
            match taken:
                case OfferRefused():
                    self._refused(taken)
                case AgentDied(lost):
                    self._died(lost)
                case TimeIsUp(task_id):
                    self._time_is_up(task_id)
        await self._write_ends()
        await self._take_submits([i for i in inputs if isinstance(i, SubmitRead)])
        await self._answer_requests(inputs)
        await self._settle_dependents()
        await self._place()
        await self._settle_dependents()
        await self._accepted([i.attempt_id for i in inputs if isinstance(i, OfferAccepted)])
        await self._close_attempts()
        await self._outbox()
        return self.followup

    async def _fence(self, inputs: list[Input]) -> None:
        positions = self._state.positions
        for taken in inputs:
            if isinstance(taken, SubmitRead):
                positions[taken.task_class.value] = max(self._state.position(taken.task_class), taken.received.sequence)
            elif isinstance(taken, OutcomeRead):
                positions[OUTCOMES] = max(self._state.position(OUTCOMES), taken.received.sequence)
        text = "{" + ",".join(f'"{name}":{sequence}' for name, sequence in positions.items()) + "}"
        if await self._sql.one("fence", self._state.epoch, text) is None:
            raise Deposed

    # What ended

    async def _take_outcomes(self, inputs: list[OutcomeRead]) -> None:
        for taken in inputs:
            try:
                outcome = taken.received.decode(AttemptOutcome)
            except HiveError as error:
                logger.error("outcome_unreadable", subject=taken.received.subject, error=error.message)
                continue
            if taken.received.sequence in self._state.unstorable_outcomes:
                problem = FailureInfo(code=BackendError.code, message="The attempt's report could not be stored.")
                outcome = outcome.model_copy(update={"status": OutcomeStatus.FAILED, "error": problem, "retryable": True})
            self._outcome(outcome)

    def _outcome(self, outcome: AttemptOutcome) -> None:
        attempt = self._state.registry.close(outcome.attempt_id)
        task = self._state.live.get(outcome.task_id)
        if task is None or self._state.current.get(outcome.task_id) != outcome.attempt_id:
            self._attempt_ends.append(_AttemptEnd(outcome.attempt_id, AttemptStatus(outcome.status.value), outcome.error))
            return
        if outcome.status is OutcomeStatus.COMPLETED:
            if attempt is not None:
                speeds = self._state.registry.agents[attempt.agent_id].speeds
                speeds.setdefault(attempt.model, Speed()).learn(outcome.timings, outcome.usage)
            self._attempt_ends.append(_AttemptEnd(outcome.attempt_id, AttemptStatus.COMPLETED))
            self._end(task, outcome.attempt_id, TaskStatus.COMPLETED, outcome, None)
        elif outcome.status is OutcomeStatus.CANCELLED:
            self._attempt_ends.append(_AttemptEnd(outcome.attempt_id, AttemptStatus.CANCELLED))
            self._end(task, outcome.attempt_id, TaskStatus.CANCELLED, None, None)
        else:
            error = outcome.error or FailureInfo(code="backend_error", message="The backend failed and said nothing.")
            self._failed(task, outcome.attempt_id, outcome.agent_id, error, AttemptStatus.FAILED, retryable=outcome.retryable)

    def _failed(
        self, task: Task, attempt_id: UUID, agent_id: str, error: FailureInfo, status: AttemptStatus, *, retryable: bool
    ) -> None:
        self._attempt_ends.append(_AttemptEnd(attempt_id, status, error))
        decision = after_failure(task, agent_id, error, retryable=retryable, now=self._now)
        if isinstance(decision, GiveUp):
            self._end(task, attempt_id, TaskStatus.FAILED, None, decision.error)
        else:
            self._retry(decision.task, attempt_id, f"{error.code}: {error.message}")

    def _end(
        self, task: Task, attempt_id: UUID, status: TaskStatus, outcome: AttemptOutcome | None, error: FailureInfo | None
    ) -> None:
        self._state.leave(task.id)
        self._ends.append((task, attempt_id, status, outcome, error))

    def _retry(self, task: Task, attempt_id: UUID, reason: str) -> None:
        self._state.leave(task.id)
        self._retries.append((task, attempt_id))
        self._state.queue.add(task, self._now)
        self._announce(task, TaskStatus.QUEUED, reason=reason)

    def _refused(self, refused: OfferRefused) -> None:
        """A refusal is no failure of the task: it costs none of its attempts."""
        attempt = self._state.registry.close(refused.attempt_id)
        if attempt is None:
            return
        self._attempt_ends.append(
            _AttemptEnd(attempt.id, AttemptStatus.REFUSED, FailureInfo(code="agent_unable", message=refused.reason))
        )
        self._state.registry.agents[attempt.agent_id].full_until = self._clock + refused.pause_seconds
        task = self._state.live.get(attempt.task_id)
        if task is not None and self._state.current.get(task.id) == attempt.id:
            self._retry(task.evolve(attempts_allowed=task.attempts_allowed + 1), attempt.id, refused.reason)

    def _died(self, lost: Lost) -> None:
        error = FailureInfo(code=AgentLost.code, message=f"The agent {lost.agent.agent_id} died: {lost.reason}.")
        for attempt in lost.attempts:
            task = self._state.live.get(attempt.task_id)
            if task is None or self._state.current.get(attempt.task_id) != attempt.id:
                self._attempt_ends.append(_AttemptEnd(attempt.id, AttemptStatus.LOST, error))
            else:
                self._failed(task, attempt.id, attempt.agent_id, error, AttemptStatus.LOST, retryable=True)

    def _time_is_up(self, task_id: UUID) -> None:
        task, attempt_id = self._state.live.get(task_id), self._state.current.get(task_id)
        if task is None or attempt_id is None:
            return
        if attempt := self._state.registry.open.get(attempt_id):
            attempt.superseded = True
            self.followup.cancels.append(attempt)
        self._end(task, attempt_id, TaskStatus.FAILED, None, timed_out(task))

    async def _write_ends(self) -> None:
        if self._ends:
            won = {row["id"] for row in await self._sql.all("end_tasks", *end_arguments(self._ends), self._now)}
            for task, attempt_id, status, outcome, error in self._ends:
                if task.id in won:
                    details = (
                        {"usage": outcome.usage, "timings": outcome.timings, "agent_id": outcome.agent_id} if outcome else {}
                    )
                    self._announce(task, status, attempt_id=attempt_id, error=error, **details)
                    self._ended.append((task.id, status))
        if self._retries:
            await self._sql.run(
                "requeue_tasks",
                [task.id for task, _ in self._retries],
                [attempt_id for _, attempt_id in self._retries],
                [task.not_before for task, _ in self._retries],
                [task.attempts_allowed for task, _ in self._retries],
            )

    # What arrived

    async def _take_submits(self, inputs: list[SubmitRead]) -> None:
        if not inputs:
            return
        found = [self._interpret(taken.received) for taken in inputs]
        known = {row["id"] for row in await self._sql.all("existing_tasks", [submit.task.id for submit in found])}
        for submit in found:
            if submit.task.id not in known:
                await self._admit(submit, ())
        await self._insert([row for row in self._fresh.values() if row.status is not TaskStatus.QUEUED])

    def _interpret(self, received: Received) -> Submitted | Poison:
        submit = interpret(received)
        if received.sequence in self._state.unstorable_submits:
            return Poison(
                task=submit.task, error=failure(InvalidRequest("PostgreSQL refuses to store it. Look for odd characters."))
            )
        return submit

    async def _admit(self, submit: Submitted | Poison, path: tuple[UUID, ...]) -> None:
        """`path` are the tasks whose dependencies are being admitted before them."""
        if submit.task.id in self._fresh:
            return
        if isinstance(submit, Poison):
            self._add_fresh(NewRow(task=submit.task, status=TaskStatus.FAILED, error=submit.error))
            return
        row = NewRow(
            task=submit.task, status=TaskStatus.QUEUED, request=submit.request, body=submit.body, body_hash=submit.body_hash
        )
        try:
            self._check_model(submit.task)
            if submit.request.depends_on:
                row.status = await self._wait_for(submit, (*path, submit.task.id))
        except HiveError as error:
            row.status, row.error = TaskStatus.FAILED, failure(error)
        self._add_fresh(row)

    def _check_model(self, task: Task) -> None:
        if task.model is not None and not self._state.registry.knows_model(task.model):
            raise UnknownModel(f"No agent has ever offered the model {task.model}. `hive agents` lists what there is.")

    async def _wait_for(self, submit: Submitted, path: tuple[UUID, ...]) -> TaskStatus:
        wanted = submit.request.depends_on
        statuses = {row["id"]: TaskStatus(row["status"]) for row in await self._sql.all("task_statuses", list(wanted))}
        for task_id in wanted:
            if task_id in path:
                raise DependencyCycle(f"The task {task_id} depends, by way of others, on itself.")
            if task_id not in statuses and task_id not in self._fresh:
                await self._admit_earlier(task_id, path)
            if task_id in self._fresh:
                statuses[task_id] = self._fresh[task_id].status
        ended = [task_id for task_id in wanted if statuses[task_id] in (TaskStatus.FAILED, TaskStatus.CANCELLED)]
        if ended:
            raise DependencyFailed(f"It depends on the task {ended[0]}, which is {statuses[ended[0]]}.")
        if all(statuses[task_id] is TaskStatus.COMPLETED for task_id in wanted):
            return TaskStatus.QUEUED
        self._state.depended_on.update(wanted)
        return TaskStatus.PENDING

    async def _admit_earlier(self, task_id: UUID, path: tuple[UUID, ...]) -> None:
        """A dependency that was acknowledged, and not read yet because its class is less urgent: it is admitted first."""
        received = await self._bus.last(subjects.TASKS, subjects.submits_of_task(task_id))
        if received is None:
            raise UnknownDependency(f"It depends on the task {task_id}, which does not exist.")
        await self._admit(self._interpret(received), path)

    def _add_fresh(self, row: NewRow) -> None:
        self._fresh[row.task.id] = row
        self.followup.facts.append(created_fact(row.task, self._now))
        if row.status is TaskStatus.QUEUED:
            self._state.queue.add(row.task, self._now)
        elif row.status is TaskStatus.FAILED:
            self._announce(row.task, TaskStatus.FAILED, error=row.error)
            self._ended.append((row.task.id, TaskStatus.FAILED))

    async def _insert(self, rows: list[NewRow]) -> None:
        new = [row for row in rows if not row.stored]
        if not new:
            return
        await self._sql.run("insert_tasks", *insert_arguments(new, self._now))
        edges = dependency_edges(new)
        if edges:
            await self._sql.run("insert_dependencies", [edge[0] for edge in edges], [edge[1] for edge in edges])
        for row in new:
            row.stored = True

    # What was asked for

    async def _answer_requests(self, inputs: list[Input]) -> None:
        for taken in inputs:
            if not isinstance(taken, CancelAsked | RequeueAsked | AssignAsked):
                continue
            error: HiveError | None = None
            try:
                match taken:
                    case CancelAsked(task_id):
                        await self._cancel(task_id)
                    case RequeueAsked(task_id):
                        await self._revive(task_id)
                    case AssignAsked(task_id, agent_id):
                        await self._pin(task_id, agent_id)
            except HiveError as refused:
                error = refused
            self.followup.answers.append((taken.done, error))

    async def _cancel(self, task_id: UUID) -> None:
        """Whoever commits first wins. An id that is only on the stream yet is taken in first, so that its row is the tombstone."""
        await self._store_fresh(task_id)
        row = await self._sql.one("cancel_tasks", [task_id], self._now)
        if row is None:
            if await self._status(task_id) is not None:
                await self._refuse_ended(task_id)
                return
            received = await self._bus.last(subjects.TASKS, subjects.submits_of_task(task_id))
            if received is None:
                raise TaskNotFound(f"There is no task {task_id}.")
            await self._admit(self._interpret(received), ())
            await self._store_fresh(task_id)
            row = await self._sql.one("cancel_tasks", [task_id], self._now)
            if row is None:
                return
        task = self._state.queue.remove(task_id) or self._state.leave(task_id) or await self._load(task_id)
        attempt = self._state.registry.open.get(row["attempt_id"]) if row["attempt_id"] else None
        if attempt is not None:
            attempt.superseded = True
            self.followup.cancels.append(attempt)
            self._attempt_ends.append(_AttemptEnd(attempt.id, AttemptStatus.CANCELLED))
        self._announce(task, TaskStatus.CANCELLED, attempt_id=row["attempt_id"])
        self._ended.append((task_id, TaskStatus.CANCELLED))

    async def _store_fresh(self, task_id: UUID) -> None:
        """A task of this very turn gets its row now instead of with its placement."""
        if task_id in self._fresh:
            await self._insert(list(self._fresh.values()))

    async def _status(self, task_id: UUID) -> TaskStatus | None:
        row = await self._sql.one("task_statuses", [task_id])
        return None if row is None else TaskStatus(row["status"])

    async def _refuse_ended(self, task_id: UUID) -> None:
        status = await self._status(task_id)
        if status is not TaskStatus.CANCELLED:
            raise AlreadyEnded(f"The task {task_id} is {status} already; there is nothing to cancel.")

    async def _revive(self, task_id: UUID) -> None:
        if await self._sql.one("revive_tasks", [task_id]) is None:
            status = await self._status(task_id)
            if status is None:
                raise TaskNotFound(f"There is no task {task_id}.")
            if status is TaskStatus.FAILED:
                raise Conflict(f"The task {task_id} could not be understood, so it cannot be tried again. Submit it anew.")
            raise Conflict(f"Only a failed task can be requeued; the task {task_id} is {status}.")
        await self._enqueue([task_id], reason="requeued by hand")

    async def _pin(self, task_id: UUID, agent_id: str) -> None:
        agent = self._state.registry.agents.get(agent_id)
        if agent is None:
            raise Conflict(f"There is no agent {agent_id}. `hive agents` lists them.")
        await self._store_fresh(task_id)
        if await self._sql.one("pin_task", task_id, agent_id) is None:
            status = await self._status(task_id)
            if status is None:
                raise TaskNotFound(f"There is no task {task_id}.")
            raise Conflict(f"Only a task that waits can be assigned by hand; the task {task_id} is {status}.")
        if task := self._state.queue.remove(task_id):
            self._state.queue.add(task.evolve(pin=agent_id), self._now)

    async def _load(self, task_id: UUID) -> Task:
        row = await self._sql.one("live_tasks", [task_id])
        if row is None:
            raise TaskNotFound(f"There is no task {task_id}.")
        return task_from(row)

    async def _enqueue(self, task_ids: list[UUID], reason: str) -> None:
        for row in await self._sql.all("live_tasks", task_ids):
            task = task_from(row)
            self._state.queue.add(task, self._now)
            self._announce(task, TaskStatus.QUEUED, reason=reason)

    # What that means for those who wait

    async def _settle_dependents(self) -> None:
        """The completed release those that waited for nothing else; the others fail theirs, and theirs in turn."""
        waited_for = [(task_id, status) for task_id, status in self._ended if task_id in self._state.depended_on]
        self._ended = []
        self._state.depended_on.difference_update(task_id for task_id, _ in waited_for)
        if completed := [task_id for task_id, status in waited_for if status is TaskStatus.COMPLETED]:
            released = await self._sql.all("release_dependents", completed)
            await self._enqueue([row["id"] for row in released], reason="its dependencies are completed")
        failed = [task_id for task_id, status in waited_for if status is not TaskStatus.COMPLETED]
        while failed:
            pairs = await self._sql.all("pending_dependents", failed)
            because = {row["task_id"]: row["depends_on_task_id"] for row in pairs}
            failed = await self._fail_dependents(because) if because else []

    async def _fail_dependents(self, because: dict[UUID, UUID]) -> list[UUID]:
        errors = {
            task_id: FailureInfo(code=DependencyFailed.code, message=f"It depends on the task {other}, which did not complete.")
            for task_id, other in because.items()
        }
        codes, messages = [e.code for e in errors.values()], [e.message for e in errors.values()]
        won = [row["id"] for row in await self._sql.all("fail_tasks", list(errors), codes, messages, self._now)]
        self._state.depended_on.difference_update(won)
        for task_id in won:
            self._announce(await self._load(task_id), TaskStatus.FAILED, error=errors[task_id])
        return won

    # Who gets what

    async def _place(self) -> None:
        """Give the free slots to the most urgent tasks that can use them."""
        self._state.queue.wake(self._now)
        placements: list[tuple[Placement, OpenAttempt]] = []
        hopeless: set[Shape] = set()
        agents = list(self._state.registry)
        while self._may_place and (placement := next_placement(self._state.queue, agents, self._clock, hopeless)):
            if placement.task.deadline is not None and placement.task.deadline <= self._now:
                await self._expire(placement.task)
                continue
            placements.append((self._start(placement), self._open(placement)))
        requests = await self._store_placements(placements)
        for placement, attempt in placements:
            if placement.task.id in requests:
                self._offer(placement.task, attempt, requests[placement.task.id])
                self._announce(
                    placement.task, TaskStatus.ASSIGNED, agent_id=attempt.agent_id, attempt_id=attempt.id, model=attempt.model
                )
        for row in self._fresh.values():
            if row.status is TaskStatus.QUEUED and row.task.id in self._state.queue:
                self._announce(row.task, TaskStatus.QUEUED)

    async def _expire(self, task: Task) -> None:
        self._state.queue.remove(task.id)
        error = timed_out(task)
        if await self._sql.all("fail_tasks", [task.id], [error.code], [error.message], self._now):
            self._announce(task, TaskStatus.FAILED, error=error)
            self._ended.append((task.id, TaskStatus.FAILED))

    def _start(self, placement: Placement) -> Placement:
        """The task as it is with one more attempt."""
        started = placement.task.started_at or self._now
        task = placement.task.evolve(attempts=placement.task.attempts + 1, started_at=started, not_before=None)
        return Placement(task, placement.agent, placement.model)

    def _open(self, placement: Placement) -> OpenAttempt:
        self._state.queue.remove(placement.task.id)
        attempt = OpenAttempt(
            id=uuid4(),
            task_id=placement.task.id,
            agent_id=placement.agent.agent_id,
            instance=placement.agent.instance,
            number=placement.task.attempts + 1,
            model=placement.model,
            opened_at=self._clock,
            seen_at=self._clock,
        )
        self._state.registry.take(attempt)
        return attempt

    async def _store_placements(self, placements: list[tuple[Placement, OpenAttempt]]) -> dict[UUID, TaskRequest]:
        """The requests of those that are now assigned in PostgreSQL; new tasks that found no place are stored as queued."""
        requests: dict[UUID, TaskRequest] = {}
        waited: list[tuple[Placement, OpenAttempt]] = []
        for placement, attempt in placements:
            task = placement.task
            self._state.live[task.id], self._state.current[task.id] = task, attempt.id
            row = self._fresh.get(task.id)
            if row is None or row.request is None or row.stored:
                waited.append((placement, attempt))
                continue
            row.task, row.status, row.agent_id, row.attempt_id = task, TaskStatus.ASSIGNED, attempt.agent_id, attempt.id
            requests[task.id] = row.request
        await self._insert([row for row in self._fresh.values() if row.status in (TaskStatus.QUEUED, TaskStatus.ASSIGNED)])
        if waited:
            rows = await self._sql.all(
                "assign_tasks",
                [placement.task.id for placement, _ in waited],
                [attempt.id for _, attempt in waited],
                [attempt.number for _, attempt in waited],
                [attempt.agent_id for _, attempt in waited],
                self._now,
            )
            requests |= {row["id"]: TaskRequest.model_validate_json(row["request"]) for row in rows}
        opened = [attempt for _, attempt in placements]
        if opened:
            await self._insert_attempts(opened)
        return requests

    async def _insert_attempts(self, attempts: list[OpenAttempt]) -> None:
        await self._sql.run(
            "insert_attempts",
            [attempt.id for attempt in attempts],
            [attempt.task_id for attempt in attempts],
            [attempt.number for attempt in attempts],
            [attempt.agent_id for attempt in attempts],
            [attempt.instance for attempt in attempts],
            [attempt.model for attempt in attempts],
            self._state.epoch,
            self._now,
        )

    def _offer(self, task: Task, attempt: OpenAttempt, request: TaskRequest) -> None:
        self.followup.offers.append((attempt, offer_of(task, attempt, request, self._state.epoch, self._now)))

    async def _accepted(self, attempt_ids: list[UUID]) -> None:
        """Those that ended in this very turn need no word of having started."""
        running = [attempt_id for attempt_id in attempt_ids if attempt_id in self._state.registry.open]
        if not running:
            return
        await self._sql.run("run_attempts", running, self._now)
        for row in await self._sql.all("run_tasks", running):
            attempt = self._state.registry.open[row["attempt_id"]]
            attempt.accepted, attempt.seen_at = True, self._clock
            if task := self._state.live.get(row["id"]):
                self._announce(task, TaskStatus.RUNNING, agent_id=attempt.agent_id, attempt_id=attempt.id, model=attempt.model)

    async def _close_attempts(self) -> None:
        if self._attempt_ends:
            ends = self._attempt_ends
            await self._sql.run(
                "end_attempts",
                [end.attempt_id for end in ends],
                [end.status.value for end in ends],
                [end.error.code if end.error else None for end in ends],
                [end.error.message.replace("\x00", "�") if end.error else None for end in ends],
                self._now,
            )

    async def _outbox(self) -> None:
        if sent := self._state.sent:
            await self._sql.run("drop_outbox", sent)
            self._state.sent = []
        if self.followup.facts:
            row = await self._sql.one("put_outbox", to_outbox(self.followup.facts))
            self.followup.outbox_id = None if row is None else row["id"]

    def _announce(self, task: Task, status: TaskStatus, **details: Any) -> None:
        self.followup.facts.append(task_fact(task, status, self._now, **details))


def offer_of(task: Task, attempt: OpenAttempt, request: TaskRequest, epoch: int, now: datetime) -> DispatchOffer:
    deadline = task.deadline
    return DispatchOffer(
        attempt_id=attempt.id,
        task_id=task.id,
        tenant=task.tenant,
        number=attempt.number,
        epoch=epoch,
        model=attempt.model,
        prompt=request.prompt,
        messages=request.messages,
        options=request.options,
        seconds_left=task.timeout_seconds if deadline is None else max(0.0, (deadline - now).total_seconds()),
        traceparent=task.traceparent,
    )
