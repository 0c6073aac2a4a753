"""The part of a turn that takes in new tasks: understood, checked against what exists, and given a row and a place."""

from collections.abc import Collection
from uuid import UUID

from bus import subjects
from bus.client import Received
from bus.errors import DependencyCycle, DependencyFailed, HiveError, InvalidRequest, UnknownDependency, UnknownModel
from bus.messages import TaskRequest, TaskStatus
from coordinator.leading.facts import created_fact
from coordinator.leading.inputs import SubmitRead
from coordinator.leading.ledger import Ledger
from coordinator.leading.quoting import Quoting
from coordinator.scheduling.sizes import size_of
from coordinator.store.rows import NewRow
from coordinator.submits import Poison, Submitted, interpret
from coordinator.tasks import failure


class Arrivals:
    def __init__(self, ledger: Ledger, quoting: Quoting) -> None:
        self._ledger, self._quoting = ledger, quoting

    async def take(self, inputs: list[SubmitRead]) -> None:
        found = [self.interpret(taken.received) for taken in inputs]
        known = await self._known(found)
        for submit in found:
            if submit.task.id not in known:
                await self.admit(submit)

    async def _known(self, found: list[Submitted | Poison]) -> Collection[UUID]:
        """Those that wait, run, or end in this turn, by memory; what is only in PostgreSQL shows itself when the turn is written.

        Except where something depends on something: then its row must be looked at before.
        """
        state, ids = self._ledger.state, [submit.task.id for submit in found]
        if any(isinstance(submit, Submitted) and submit.request.depends_on for submit in found):
            return {row["id"] for row in await self._ledger.record.all("existing_tasks", ids)}
        ended = {task_id for task_id, _ in self._ledger.ended}
        return {task_id for task_id in ids if task_id in state.queue or task_id in state.live or task_id in ended}

    def interpret(self, received: Received) -> Submitted | Poison:
        submit = interpret(received)
        if received.sequence in self._ledger.state.unstorable_submits:
            return Poison(
                task=submit.task.evolve(title=None, model=None, traceparent=None),  # any of it may be what is refused
                error=failure(InvalidRequest("PostgreSQL refuses to store it. Look for odd characters.")),
            )
        return submit

    async def admit(self, submit: Submitted | Poison) -> None:
        """With what it waits for and nobody has read yet, such as a task of a less urgent class: that is admitted before it."""
        path = {submit.task.id: submit}
        while path:
            newest = next(reversed(path.values()))
            earlier = await self._not_read_yet(newest, path.keys())
            if earlier is not None:
                path[earlier.task.id] = earlier
                continue
            if newest.task.id not in self._ledger.record.fresh:
                self._add_fresh(await self._row(newest, path.keys()))
            del path[newest.task.id]

    async def _not_read_yet(self, submit: Submitted | Poison, path: Collection[UUID]) -> Submitted | Poison | None:
        """One of its dependencies that was acknowledged and has no row yet."""
        wanted = () if isinstance(submit, Poison) else submit.request.depends_on
        open_ones = [task_id for task_id in wanted if task_id not in self._ledger.record.fresh and task_id not in path]
        stored = await self._statuses(open_ones) if open_ones else {}
        for task_id in open_ones:
            if task_id not in stored:
                received = await self._ledger.bus.last(subjects.TASKS, subjects.submits_of_task(task_id))
                if received is not None:
                    return self.interpret(received)
        return None

    async def _row(self, submit: Submitted | Poison, path: Collection[UUID]) -> NewRow:
        """`path` are the task itself and those that wait for it."""
        if isinstance(submit, Poison):
            return NewRow(task=submit.task, status=TaskStatus.FAILED, error=submit.error)
        row = NewRow(
            task=submit.task, status=TaskStatus.QUEUED, request=submit.request, body=submit.body, body_hash=submit.body_hash
        )
        try:
            row.status = await self.first_status(submit.request, path, submit.task.tenant)
            if row.status is TaskStatus.QUEUED:
                await self._fill(row, submit.request)
        except HiveError as error:
            row.status, row.error = TaskStatus.FAILED, failure(error)
        return row

    async def _fill(self, row: NewRow, request: TaskRequest) -> None:
        """What it quotes is there already."""
        body = await self._quoting.filled(row.task, request)
        if body is not None:
            row.body, row.request = body, TaskRequest.model_validate_json(body)
            row.task = row.task.evolve(size=size_of(row.request))

    async def first_status(self, request: TaskRequest, path: Collection[UUID], tenant: str) -> TaskStatus:
        """Pending or queued. UnknownModel, UnknownDependency, DependencyCycle, DependencyFailed where it can be neither."""
        model, wanted = request.model, request.depends_on
        if model is not None and not self._ledger.state.registry.knows_model(model):
            raise UnknownModel(f"No agent has ever offered the model {model}. `hive agents` lists what there is.")
        if not wanted:
            return TaskStatus.QUEUED
        statuses = await self._statuses(wanted, tenant)
        for task_id in wanted:
            if task_id in path:
                raise DependencyCycle(f"The task {task_id} depends, by way of others, on itself.")
            if task_id not in statuses:
                raise UnknownDependency(f"It depends on the task {task_id}, which does not exist.")
            if statuses[task_id] in (TaskStatus.FAILED, TaskStatus.CANCELLED):
                raise DependencyFailed(f"It depends on the task {task_id}, which is {statuses[task_id]}.")
        open_ones = [task_id for task_id in wanted if statuses[task_id] is not TaskStatus.COMPLETED]
        if not open_ones:
            return TaskStatus.QUEUED
        self._ledger.state.depended_on.update(open_ones)
        return TaskStatus.PENDING

    async def _statuses(self, task_ids: Collection[UUID], tenant: str | None = None) -> dict[UUID, TaskStatus]:
        """Of one tenant, or of all."""
        rows = await self._ledger.record.all("task_statuses", list(task_ids), tenant)
        return {row["id"]: TaskStatus(row["status"]) for row in rows}

    def _add_fresh(self, row: NewRow) -> None:
        self._ledger.record.fresh[row.task.id] = row
        self._ledger.followup.facts.append(created_fact(row.task, self._ledger.now))
        if row.status is TaskStatus.QUEUED:
            self._ledger.state.queue.add(row.task, self._ledger.now)
        elif row.status is TaskStatus.FAILED:
            self._ledger.announce(row.task, TaskStatus.FAILED, error=row.error)
            self._ledger.ended.append((row.task.id, TaskStatus.FAILED))
