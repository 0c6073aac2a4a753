"""The part of a turn that gives out what is free: slots to tasks, by the scheduler's word, and tasks to those that waited for others."""

from datetime import datetime
from uuid import UUID, uuid4

from bus.errors import DependencyFailed
from bus.messages import DispatchOffer, FailureInfo, TaskRequest, TaskStatus
from coordinator.arrivals import Arrivals
from coordinator.ledger import Ledger
from coordinator.queue import Shape
from coordinator.registry import OpenAttempt
from coordinator.scheduler import Placement, next_placement
from coordinator.tasks import Task, timed_out


class Placing:
    def __init__(self, ledger: Ledger, arrivals: Arrivals) -> None:
        self._ledger, self._arrivals = ledger, arrivals

    async def settle_dependents(self) -> None:
        """The completed release those that waited for nothing else; the others fail theirs, and theirs in turn."""
        waited_for = [(task_id, status) for task_id, status in self._ledger.ended if task_id in self._ledger.state.depended_on]
        self._ledger.ended = []
        self._ledger.state.depended_on.difference_update(task_id for task_id, _ in waited_for)
        if completed := [task_id for task_id, status in waited_for if status is TaskStatus.COMPLETED]:
            released = await self._ledger.sql.all("release_dependents", completed)
            await self._ledger.enqueue([row["id"] for row in released], reason="its dependencies are completed")
        failed = [task_id for task_id, status in waited_for if status is not TaskStatus.COMPLETED]
        while failed:
            pairs = await self._ledger.sql.all("pending_dependents", failed)
            because = {row["task_id"]: row["depends_on_task_id"] for row in pairs}
            failed = await self._fail_dependents(because) if because else []

    async def _fail_dependents(self, because: dict[UUID, UUID]) -> list[UUID]:
        errors = {
            task_id: FailureInfo(code=DependencyFailed.code, message=f"It depends on the task {other}, which did not complete.")
            for task_id, other in because.items()
        }
        codes, messages = [e.code for e in errors.values()], [e.message for e in errors.values()]
        won = [row["id"] for row in await self._ledger.sql.all("fail_tasks", list(errors), codes, messages, self._ledger.now)]
        self._ledger.state.depended_on.difference_update(won)
        for task_id in won:
            self._ledger.announce(await self._ledger.load(task_id), TaskStatus.FAILED, error=errors[task_id])
        return won

    async def place(self, *, may_place: bool) -> None:
        """Give the free slots to the most urgent tasks that can use them."""
        self._ledger.state.queue.wake(self._ledger.now)
        for task in self._ledger.state.queue.overdue(self._ledger.now):
            await self._expire(task)
        placements: list[tuple[Placement, OpenAttempt]] = []
        hopeless: set[Shape] = set()
        agents = list(self._ledger.state.registry)
        while may_place and (placement := next_placement(self._ledger.state.queue, agents, self._ledger.clock, hopeless)):
            placements.append((self._start(placement), self._open(placement)))
        requests = await self._store_placements(placements)
        for placement, attempt in placements:
            if placement.task.id in requests:
                self._offer(placement.task, attempt, requests[placement.task.id])
                self._ledger.announce(
                    placement.task, TaskStatus.ASSIGNED, agent_id=attempt.agent_id, attempt_id=attempt.id, model=attempt.model
                )
        for row in self._ledger.fresh.values():
            if row.status is TaskStatus.QUEUED and row.task.id in self._ledger.state.queue:
                self._ledger.announce(row.task, TaskStatus.QUEUED)

    async def _expire(self, task: Task) -> None:
        self._ledger.state.queue.remove(task.id)
        error = timed_out(task)
        if await self._ledger.sql.all("fail_tasks", [task.id], [error.code], [error.message], self._ledger.now):
            self._ledger.announce(task, TaskStatus.FAILED, error=error)
            self._ledger.ended.append((task.id, TaskStatus.FAILED))

    def _start(self, placement: Placement) -> Placement:
        """The task as it is with one more attempt."""
        started = placement.task.started_at or self._ledger.now
        task = placement.task.evolve(attempts=placement.task.attempts + 1, started_at=started, not_before=None)
        return Placement(task, placement.agent, placement.model)

    def _open(self, placement: Placement) -> OpenAttempt:
        self._ledger.state.queue.remove(placement.task.id)
        attempt = OpenAttempt(
            id=uuid4(),
            task_id=placement.task.id,
            agent_id=placement.agent.agent_id,
            instance=placement.agent.instance,
            number=placement.task.attempts + 1,
            model=placement.model,
            opened_at=self._ledger.clock,
            seen_at=self._ledger.clock,
        )
        self._ledger.state.registry.take(attempt)
        return attempt

    async def _store_placements(self, placements: list[tuple[Placement, OpenAttempt]]) -> dict[UUID, TaskRequest]:
        """The requests of those that are now assigned in PostgreSQL; new tasks that found no place are stored as queued."""
        requests: dict[UUID, TaskRequest] = {}
        waited: list[tuple[Placement, OpenAttempt]] = []
        for placement, attempt in placements:
            task = placement.task
            self._ledger.state.live[task.id], self._ledger.state.current[task.id] = task, attempt.id
            row = self._ledger.fresh.get(task.id)
            if row is None or row.request is None or row.stored:
                waited.append((placement, attempt))
                continue
            row.task, row.status, row.attempt = task, TaskStatus.ASSIGNED, attempt
            requests[task.id] = row.request
        await self._arrivals.insert(
            [row for row in self._ledger.fresh.values() if row.status in (TaskStatus.QUEUED, TaskStatus.ASSIGNED)]
        )
        if waited:
            rows = await self._ledger.sql.all(
                "assign_tasks",
                [placement.task.id for placement, _ in waited],
                [attempt.id for _, attempt in waited],
                [attempt.number for _, attempt in waited],
                [attempt.agent_id for _, attempt in waited],
                self._ledger.now,
            )
            requests |= {row["id"]: TaskRequest.model_validate_json(row["request"]) for row in rows}
            await self._insert_attempts([attempt for _, attempt in waited])
        return requests

    async def _insert_attempts(self, attempts: list[OpenAttempt]) -> None:
        await self._ledger.sql.run(
            "insert_attempts",
            [attempt.id for attempt in attempts],
            [attempt.task_id for attempt in attempts],
            [attempt.number for attempt in attempts],
            [attempt.agent_id for attempt in attempts],
            [attempt.instance for attempt in attempts],
            [attempt.model for attempt in attempts],
            self._ledger.state.epoch,
            self._ledger.now,
        )

    def _offer(self, task: Task, attempt: OpenAttempt, request: TaskRequest) -> None:
        self._ledger.followup.offers.append(
            (attempt, offer_of(task, attempt, request, self._ledger.state.epoch, self._ledger.now))
        )

    async def accepted(self, attempt_ids: list[UUID]) -> None:
        """Those that ended in this very turn need no word of having started."""
        running = [attempt_id for attempt_id in attempt_ids if attempt_id in self._ledger.state.registry.open]
        if not running:
            return
        for row in await self._ledger.sql.all("run_attempts", running, self._ledger.now):
            attempt = self._ledger.state.registry.open[row["attempt_id"]]
            attempt.accepted, attempt.seen_at = True, self._ledger.clock
            if task := self._ledger.state.live.get(row["id"]):
                self._ledger.announce(
                    task, TaskStatus.RUNNING, agent_id=attempt.agent_id, attempt_id=attempt.id, model=attempt.model
                )


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
