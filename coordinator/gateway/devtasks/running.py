"""A plan that is kept, the tasks that it becomes, and what is known of them.

The id of each part's task follows from the dev task's id and the part's place, so that nothing but the tasks must be remembered: whoever
runs the same plan again submits what is missing, and whoever looks finds all parts by the first.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from pydantic import ValidationError

from bus import subjects
from bus.codec import explain
from bus.errors import AlreadyEnded, Conflict, HiveError, IdempotencyMismatch, NotFound, TaskNotFound
from bus.messages import Claims, TaskRecord, TaskRef, TaskRequest
from coordinator.gateway import verbs
from coordinator.gateway.devtasks.parts import DevPlan, Material, Part, PartKind, PartMark, StoredPlan
from coordinator.gateway.devtasks.planning import in_order, notes_of, offers, planned, require_bounds, require_somebody
from coordinator.gateway.devtasks.view import DevTaskState, planned_state, state_of
from coordinator.gateway.devtasks.wording import messages
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.submission import new_task_id


def task_id_of(tenant: str, dev_task: UUID, number: int) -> UUID:
    """Of the part in that place, from 0."""
    return new_task_id(tenant, _key(dev_task, number))


def _key(dev_task: UUID, number: int) -> str:
    return f"dev-task {dev_task} {number}"


class DevTasks:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def plan(self, material: Material, wanted: Sequence[PartKind], claims: Claims) -> DevPlan:
        """Nothing runs. PayloadTooLarge."""
        require_bounds(material)
        there = offers(self._gateway.overview.agent_list().agents, claims)
        parts = planned(material, wanted, there, claims)
        plan = DevPlan(id=uuid4(), goal=material.goal, parts=parts, notes=notes_of(there))
        stored = StoredPlan(owner=claims.sub, tenant=claims.tenant, material=material, plan=plan)
        await self._gateway.bus.put(subjects.KV_DEV_PLANS, str(plan.id), stored)
        return plan

    async def run(
        self, dev_task: UUID, edited: Sequence[Part] | None, priority: int, timeout_seconds: float, claims: Claims
    ) -> DevTaskState:
        """Submits each part once, however often it is asked. All are looked at before the first is submitted: InvalidRequest, UnknownModel,
        PermissionDenied. Conflict where it runs with other parts; what else a submit says."""
        stored = await self._stored(dev_task, claims)
        parts = in_order(stored.plan.parts if edited is None else edited)
        require_somebody(parts, self._gateway.overview.agent_list().agents)
        requests = _requests(stored, parts, priority, timeout_seconds)
        for request in requests:
            await self._gateway.submission.admit(request, claims)
        records = []
        for number, request in enumerate(requests):
            records.append(await self._submit(dev_task, number, request, claims))
        return state_of(PartMark.model_validate(requests[0].metadata), records, stored.plan.goal)

    async def _submit(self, dev_task: UUID, number: int, request: TaskRequest, claims: Claims) -> TaskRecord:
        key, task_id = _key(dev_task, number), task_id_of(claims.tenant, dev_task, number)
        try:
            found = await self._gateway.submission.submit(request, claims, task_id=task_id, idempotency_key=key)
            return found.record
        except IdempotencyMismatch:
            raise Conflict(
                f"The dev task {dev_task} was run already, with other parts. get_dev_task shows them; for another run plan anew."
            ) from None
        except HiveError as error:
            if number:
                error.message += f" {number} of the parts were taken; run_dev_task with the same parts goes on from there."
            raise

    async def get(self, dev_task: UUID, claims: Claims) -> DevTaskState:
        """NotFound, and PermissionDenied for one of somebody else's."""
        first = await self._record(task_id_of(claims.tenant, dev_task, 0), claims)
        if first is None:
            return planned_state((await self._stored(dev_task, claims)).plan)
        mark = PartMark.of(first.metadata)
        if mark is None or mark.dev_task != dev_task:
            raise NotFound(f"The task {first.id} is no part of a dev task {dev_task}: it was submitted by hand, under its key.")
        ids = (task_id_of(claims.tenant, dev_task, number) for number in range(1, len(mark.parts)))
        others = await asyncio.gather(*(self._record(task_id, claims) for task_id in ids))
        return state_of(mark, (first, *others), first.description)

    async def cancel(self, dev_task: UUID, claims: Claims) -> DevTaskState:
        """The last first, so that none fails since another was cancelled. One that nobody has run is forgotten."""
        state = await self.get(dev_task, claims)
        if all(part.task_id is None for part in state.parts):
            await self._gateway.bus.delete(subjects.KV_DEV_PLANS, str(dev_task))
            return state
        for part in reversed(state.parts):
            if part.task_id is not None and part.status is not None and not part.status.terminal:
                await self._cancel(part.task_id, claims)
        return await self.get(dev_task, claims)

    async def _cancel(self, task_id: UUID, claims: Claims) -> None:
        try:
            bus, body, seconds = self._gateway.bus, TaskRef(id=task_id), verbs.ORDER_SECONDS
            await verbs.ask(bus, subjects.SERVICE_TASKS, "cancel", body, TaskRecord, claims, seconds=seconds)
        except AlreadyEnded:
            pass

    async def _record(self, task_id: UUID, claims: Claims) -> TaskRecord | None:
        try:
            return await verbs.ask(self._gateway.bus, subjects.SERVICE_TASKS, "get", TaskRef(id=task_id), TaskRecord, claims)
        except TaskNotFound:
            return None

    async def _stored(self, dev_task: UUID, claims: Claims) -> StoredPlan:
        """NotFound, also for one of another's: who may not see its tasks is not told that there is one."""
        value = await self._gateway.bus.get(subjects.KV_DEV_PLANS, str(dev_task))
        stored = None if value is None else StoredPlan.model_validate_json(value)
        if stored is None or stored.tenant != claims.tenant or stored.owner != claims.sub:
            raise NotFound(
                f"There is no dev task {dev_task} of yours. Plans are kept for a day; plan_dev_task makes a new one."
            )
        return stored


def _requests(stored: StoredPlan, parts: Sequence[Part], priority: int, timeout_seconds: float) -> tuple[TaskRequest, ...]:
    """InvalidRequest for a part that makes no task."""
    dev_task, names = stored.plan.id, tuple(part.name for part in parts)
    ids = {name: task_id_of(stored.tenant, dev_task, number) for number, name in enumerate(names)}
    by_name = {part.name: part for part in parts}

    def request(part: Part) -> TaskRequest:
        before = [(by_name[name], ids[name]) for name in dict.fromkeys(part.depends_on)]
        return TaskRequest(
            messages=messages(part, stored.material, before),
            title=f"{part.name}: {' '.join(stored.plan.goal.split())}"[:255],
            description=stored.plan.goal,
            model=part.model,
            require=part.require,
            depends_on=tuple(task_id for _, task_id in before),
            priority=priority,
            timeout_seconds=timeout_seconds,
            options={} if part.max_tokens is None else {"num_predict": part.max_tokens},
            metadata=PartMark(dev_task=dev_task, part=part.name, kind=part.kind, parts=names).metadata(),
        )

    try:
        return tuple(request(part) for part in parts)
    except ValidationError as error:
        raise explain(error) from None
