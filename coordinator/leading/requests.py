"""The part of a turn that does what somebody asked for: cancel, requeue, assign, prioritize. Each is answered after the commit."""

from uuid import UUID

from bus import subjects
from bus.errors import AgentNotFound, AgentUnable, AlreadyEnded, Conflict, HiveError, TaskNotFound
from bus.messages import AgentStatus, AttemptStatus, TaskRequest, TaskStatus
from coordinator.agents.agent import Agent
from coordinator.leading.arrivals import Arrivals
from coordinator.leading.facts import prioritized_fact
from coordinator.leading.inputs import AssignAsked, CancelAsked, Input, PriorityAsked, RequeueAsked
from coordinator.leading.ledger import Ledger
from coordinator.leading.quoting import Quoting
from coordinator.scheduling.shapes import lacking, shape_of


class Requests:
    def __init__(self, ledger: Ledger, arrivals: Arrivals, quoting: Quoting) -> None:
        self._ledger, self._arrivals, self._quoting = ledger, arrivals, quoting

    async def answer(self, inputs: list[Input]) -> None:
        for taken in inputs:
            if not isinstance(taken, CancelAsked | RequeueAsked | AssignAsked | PriorityAsked):
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
                    case PriorityAsked(task_id, priority):
                        await self._prioritize(task_id, priority)
            except HiveError as refused:
                error = refused
            self._ledger.followup.answers.append((taken.done, error))

    async def _cancel(self, task_id: UUID) -> None:
        """Whoever commits first wins. An id that is only on the stream yet is taken in first, so that its row is the tombstone."""
        row = await self._ledger.record.one("cancel_tasks", [task_id], self._ledger.now)
        if row is None:
            if await self._status(task_id) is not None:
                await self._refuse_ended(task_id)
                return
            received = await self._ledger.bus.last(subjects.TASKS, subjects.submits_of_task(task_id))
            if received is None:
                raise TaskNotFound(f"There is no task {task_id}.")
            await self._arrivals.admit(self._arrivals.interpret(received))
            row = await self._ledger.record.one("cancel_tasks", [task_id], self._ledger.now)
            if row is None:
                await self._refuse_ended(task_id)
                return
        task = self._ledger.state.queue.remove(task_id) or self._ledger.state.leave(task_id) or await self._ledger.load(task_id)
        attempt = self._ledger.state.registry.open.get(row["attempt_id"]) if row["attempt_id"] else None
        if attempt is not None:
            attempt.superseded = True
            self._ledger.followup.cancels.append(attempt)
            self._ledger.record.end_attempt(attempt.id, AttemptStatus.CANCELLED)
        self._ledger.announce(task, TaskStatus.CANCELLED, attempt_id=row["attempt_id"])
        self._ledger.ended.append((task_id, TaskStatus.CANCELLED))

    async def _status(self, task_id: UUID) -> TaskStatus | None:
        row = await self._ledger.record.one("task_statuses", [task_id], None)
        return None if row is None else TaskStatus(row["status"])

    async def _refuse_ended(self, task_id: UUID) -> None:
        status = await self._status(task_id)
        if status is not TaskStatus.CANCELLED:
            raise AlreadyEnded(f"The task {task_id} is {status} already; there is nothing to cancel.")

    async def _revive(self, task_id: UUID) -> None:
        """As if it were submitted now: its model must be known, and what it depends on may still do."""
        status = await self._status(task_id)
        if status is None:
            raise TaskNotFound(f"There is no task {task_id}.")
        if status is not TaskStatus.FAILED:
            raise Conflict(f"Only a failed task can be requeued; the task {task_id} is {status}.")
        row = await self._ledger.record.one("task_requests", [task_id])
        if row is None or row["request"] is None:
            raise Conflict(f"The task {task_id} could not be understood, or its text is not kept any more. Submit it anew.")
        request = TaskRequest.model_validate_json(row["request"])
        first = await self._arrivals.first_status(request, (task_id,), row["tenant"])
        if first is TaskStatus.QUEUED and not (await self._ledger.load(task_id)).attempts:  # else it was filled in before
            for error in (await self._quoting.fill((task_id,))).values():
                raise error
        if await self._ledger.record.one("revive_tasks", [task_id], first.value) is None:
            raise Conflict(f"The text of the task {task_id} has just gone. Submit it anew.")
        if first is TaskStatus.QUEUED:
            await self._ledger.enqueue([task_id], reason="requeued by hand")
        else:
            wanted = list(dict.fromkeys(request.depends_on))
            await self._ledger.record.run("insert_dependencies", [task_id] * len(wanted), wanted)

    async def _pin(self, task_id: UUID, agent_id: str) -> None:
        agent = self._ledger.state.registry.agents.get(agent_id)
        if agent is None:
            raise AgentNotFound(f"There is no agent {agent_id}. `hive agents` lists them.")
        await self._refuse_begun(task_id, "be assigned by hand")
        await self._refuse_unable(task_id, agent)
        await self._ledger.record.run("pin_task", task_id, agent_id)
        if task := self._ledger.state.queue.remove(task_id):
            self._ledger.state.queue.add(task.evolve(pin=agent_id), self._ledger.now)

    async def _prioritize(self, task_id: UUID, priority: int) -> None:
        """It keeps its place by arrival among those of its new priority."""
        status = await self._refuse_begun(task_id, "be given another priority")
        queue = self._ledger.state.queue
        task = queue.get(task_id) or await self._ledger.load(task_id)
        if task.priority == priority:
            return
        await self._ledger.record.run("prioritize_task", task_id, priority)
        changed = task.evolve(priority=priority)
        if status is TaskStatus.QUEUED:  # also one that a new leader has not read yet: its pieces may be past the new priority
            queue.add(changed, self._ledger.now)
        self._ledger.followup.facts.append(prioritized_fact(changed, status, self._ledger.now))

    async def _refuse_begun(self, task_id: UUID, what: str) -> TaskStatus:
        status = await self._status(task_id)
        if status is None:
            raise TaskNotFound(f"There is no task {task_id}.")
        if status not in (TaskStatus.PENDING, TaskStatus.QUEUED):
            raise Conflict(f"Only a task that waits can {what}; the task {task_id} is {status}.")
        return status

    async def _refuse_unable(self, task_id: UUID, agent: Agent) -> None:
        """A task that waits for an agent which could never take it would wait for ever. Of one that is away nobody knows."""
        task = self._ledger.state.queue.get(task_id) or await self._ledger.load(task_id)
        lack = lacking(shape_of(task), agent, agent.model(task.model))
        if agent.status is AgentStatus.ONLINE and lack is not None:
            raise AgentUnable(f"{agent.agent_id} cannot take the task {task_id}: {lack}. Choose another; `explain` lists them.")
