"""The part of a turn that gives out what is free: slots to tasks, by the scheduler's word, and tasks to those that waited for others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from bus.errors import DependencyFailed, HiveError
from bus.messages import Continuation, DispatchOffer, TaskRequest, TaskStatus
from bus.messages.work import work_of
from coordinator.agents.agent import OpenAttempt
from coordinator.leading import spans
from coordinator.leading.continuing import continuation
from coordinator.leading.ledger import Ledger
from coordinator.leading.quoting import Quoting
from coordinator.scheduling.scheduler import Placement
from coordinator.store.rows import task_from
from coordinator.tasks import Task, failure, timed_out

MOST_EXPIRED: Final = 400
"""Of one turn: a client may give a hundred thousand tasks one deadline, and nobody else is to wait for their end."""


class Placing:
    def __init__(self, ledger: Ledger, quoting: Quoting) -> None:
        self._ledger, self._quoting = ledger, quoting

    async def settle_dependents(self) -> None:
        """The completed release those that waited for nothing else; the others fail theirs, and theirs in turn."""
        if any(task_id in self._ledger.state.depended_on for task_id, _ in self._ledger.ended):
            await self._ledger.record.write_so_far()  # an end that its row did not allow is none
        waited_for = [(task_id, status) for task_id, status in self._ledger.ended if task_id in self._ledger.state.depended_on]
        self._ledger.ended = []
        self._ledger.state.depended_on.difference_update(task_id for task_id, _ in waited_for)
        failed = [task_id for task_id, status in waited_for if status is not TaskStatus.COMPLETED]
        if completed := [task_id for task_id, status in waited_for if status is TaskStatus.COMPLETED]:
            failed += await self._release(completed)
        if failed and (pairs := await self._ledger.record.all("pending_dependents", failed)):
            await self._fail_dependents({row["task_id"]: row["depends_on_task_id"] for row in pairs})

    async def _release(self, completed: list[UUID]) -> list[UUID]:
        """Gives back those that failed, since they cannot be given what they quote."""
        released = [row["id"] for row in await self._ledger.record.all("release_dependents", completed)]
        unfit = await self._quoting.fill(released)
        ready = [task_id for task_id in released if task_id not in unfit]
        await self._ledger.enqueue(ready, reason="its dependencies are completed")
        await self._fail(unfit)
        return list(unfit)

    async def _fail_dependents(self, because: dict[UUID, UUID]) -> None:
        message = "It depends on the task {}, which did not complete."
        await self._fail({task_id: DependencyFailed(message.format(other)) for task_id, other in because.items()})

    async def _fail(self, errors: Mapping[UUID, HiveError]) -> None:
        """Tasks that have no attempt."""
        for row in await self._ledger.record.all("live_tasks", list(errors)) if errors else ():
            task, error = task_from(row), failure(errors[row["id"]])
            self._ledger.announce(task, TaskStatus.FAILED, error=error)
            self._ledger.record.fail(task.id, error)
        self._ledger.state.depended_on.difference_update(errors)

    async def expire_pending(self, task_ids: list[UUID]) -> None:
        """Of those whose time is up, the ones that wait for others: their record alone knows them."""
        state = self._ledger.state
        unknown = [task_id for task_id in task_ids if task_id not in state.live and task_id not in state.queue]
        for row in await self._ledger.record.all("live_tasks", unknown) if unknown else ():
            if row["status"] == TaskStatus.PENDING:
                self._expire(task_from(row))

    def place(self, *, may_place: bool) -> None:
        """Give the free slots to the most urgent tasks that can use them."""
        state = self._ledger.state
        state.queue.wake(self._ledger.now)
        state.registry.hold(self._ledger.now)
        for task in state.queue.overdue(self._ledger.now, MOST_EXPIRED):
            self._expire(task)
        fleet = state.scheduler.fleet(list(state.registry), self._ledger.clock)
        while may_place and (placement := state.scheduler.next(state.queue, fleet, self._ledger.now)):
            self._assign(self._start(placement), self._open(placement))
            fleet.given(placement.agent, placement.model)
        if may_place:
            for attempt in state.scheduler.yields(state.queue, state.preemptible, fleet, self._ledger.now):
                attempt.yielding = True
                self._ledger.followup.preempts.append(attempt)
        for row in self._ledger.record.fresh.values():
            if row.status is TaskStatus.QUEUED and row.task.id in state.queue:
                self._ledger.announce(row.task, TaskStatus.QUEUED)

    def _expire(self, task: Task) -> None:
        self._ledger.state.queue.remove(task.id)
        error = timed_out(task)
        self._ledger.record.fail(task.id, error)
        self._ledger.announce(task, TaskStatus.FAILED, error=error)
        self._ledger.ended.append((task.id, TaskStatus.FAILED))

    def _start(self, placement: Placement) -> Task:
        """The task as it is with one more attempt."""
        started = placement.task.started_at or self._ledger.now
        return placement.task.evolve(attempts=placement.task.attempts + 1, started_at=started, not_before=None, back=None)

    def _open(self, placement: Placement) -> OpenAttempt:
        self._ledger.state.scheduler.take(self._ledger.state.queue, placement)
        attempt = OpenAttempt(
            id=uuid4(),
            task_id=placement.task.id,
            agent_id=placement.agent.agent_id,
            instance=placement.agent.instance,
            number=placement.task.attempts + 1,
            model=placement.model.name,
            opened_at=self._ledger.clock,
            seen_at=self._ledger.clock,
            ends_at=self._ledger.clock + placement.seconds,
        )
        self._ledger.state.registry.take(attempt)
        placement.agent.hold(self._ledger.now)
        return attempt

    def _assign(self, task: Task, attempt: OpenAttempt) -> None:
        """A task of this very turn is stored as assigned at once; one that waited is so by an update, which gives its request."""
        self._ledger.state.enter(task, attempt.id)
        row = self._ledger.record.fresh.get(task.id)
        if row is None or row.stored:
            self._ledger.record.place(attempt)
        else:
            row.task, row.status, row.attempt = task, TaskStatus.ASSIGNED, attempt
        self._ledger.placed.append((task, attempt))
        self._ledger.announce(task, TaskStatus.ASSIGNED, agent_id=attempt.agent_id, attempt_id=attempt.id, model=attempt.model)

    def offer(self) -> None:
        """Once it is written: whose row allowed it is offered."""
        for task, attempt in self._ledger.placed:
            request = self._request(task.id)
            if request is not None:
                left = self._ledger.record.continuations.get(task.id)
                spans.waited(task, attempt, self._ledger.now)
                offer = offer_of(task, attempt, request, left, self._ledger.state.epoch, self._ledger.now)
                self._ledger.followup.offers.append((attempt, offer))

    def _request(self, task_id: UUID) -> TaskRequest | None:
        if text := self._ledger.record.requests.get(task_id):
            return TaskRequest.model_validate_json(text)
        row = self._ledger.record.fresh.get(task_id)
        return None if row is None else row.request

    def accepted(self, attempt_ids: list[UUID]) -> None:
        """Those that ended in this very turn need no word of having started."""
        for attempt_id in attempt_ids:
            attempt = self._ledger.state.registry.open.get(attempt_id)
            if attempt is None or attempt.accepted:
                continue
            attempt.accepted, attempt.seen_at = True, self._ledger.clock
            self._ledger.state.registry.agents[attempt.agent_id].refusals = 0
            self._ledger.record.run_attempt(attempt)
            task = self._ledger.state.live.get(attempt.task_id)
            if task is not None and self._ledger.state.current.get(task.id) == attempt.id:
                self._ledger.announce(
                    task, TaskStatus.RUNNING, agent_id=attempt.agent_id, attempt_id=attempt.id, model=attempt.model
                )


def offer_of(
    task: Task, attempt: OpenAttempt, request: TaskRequest, left: Continuation | None, epoch: int, now: datetime
) -> DispatchOffer:
    """`left` is what earlier attempts wrote."""
    deadline = task.deadline
    return DispatchOffer(
        attempt_id=attempt.id,
        task_id=task.id,
        tenant=task.tenant,
        number=attempt.number,
        epoch=epoch,
        model=attempt.model,
        continue_from=continuation(request, left),
        seconds_left=task.timeout_seconds if deadline is None else max(0.0, (deadline - now).total_seconds()),
        traceparent=task.traceparent,
        **work_of(request),
    )
