"""Carries out `SubmitTask`: a task of the hive whose id follows from the effect's key, so that the same effect is the same task."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from pydantic import ValidationError

from bus import subjects
from bus.client import Bus, Closing, Received
from bus.codec import explain
from bus.errors import DeadlineExceeded, HiveError, NotFound, QuotaExceeded, Unavailable
from bus.messages import Claims, EventType, TaskRecord, TaskRef, TaskRequest, TaskStatus
from bus.quotas import Quotas
from bus.submit import accepted, publish_task, require_rights
from workflow.core.effects import SubmitTask
from workflow.core.execution import Reply
from workflow.core.failure import Failure

EFFECTS: Final = UUID("5b0a6f5e-6c39-5d0e-8c38-0f6a6c1d4a11")
"""The name space of ids that follow from an effect's key."""
POLL_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 0.5
_ENDS: Final = (EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.TASK_CANCELLED)


def task_id_of(key: str) -> UUID:
    return uuid5(EFFECTS, key)


class Inference:
    """One subscription for all tasks, and a look at the record now and then, since an event may be lost."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._subscriptions: list[Closing] = []
        self._quotas = Quotas(bus)

    async def start(self) -> None:
        await self._quotas.start()
        for end in _ENDS:
            self._subscriptions.append(await self._bus.subscribe(subjects.events(end), self._heard))

    async def close(self) -> None:
        for subscription in self._subscriptions:
            await subscription.close()
        await self._quotas.close()

    async def _heard(self, received: Received) -> None:
        for event in self._waiters.get(subjects.last_token(received.subject), ()):
            event.set()

    async def carry_out(self, effect: SubmitTask, claims: Claims, workflow_id: UUID | None = None) -> Reply:
        """The ended task as JSON. It fails only for what asking again would not change."""
        try:
            request = TaskRequest.model_validate(effect.request)
            require_rights(request, claims)
        except ValidationError as error:
            return Reply(failure=Failure(message=explain(error).message, code="invalid_request"))
        except HiveError as error:
            return Reply(failure=Failure(message=error.message, code=error.code))
        task_id = task_id_of(effect.key)
        record = accepted(task_id, request, claims, datetime.now(UTC))
        if (refused := await self._refused(task_id, claims, workflow_id)) is not None:
            return Reply(failure=Failure(message=refused.message, code=refused.code))
        event = asyncio.Event()
        self._waiters[str(task_id)].add(event)
        try:
            await self._publish(record, request, claims.key_id, workflow_id)
            return _reply(await self._ended(task_id, claims, event))
        finally:
            del self._waiters[str(task_id)]

    async def _refused(self, task_id: UUID, claims: Claims, workflow_id: UUID | None) -> QuotaExceeded | None:
        """A task that is known was let in before, whatever the quota says now; so where nobody can tell, somebody is waited for."""
        try:
            self._quotas.require(claims, datetime.now(UTC), workflow_id)
        except QuotaExceeded as error:
            while True:
                with suppress(Unavailable, DeadlineExceeded):
                    return None if await self._known(task_id, claims) is not None else error
                await asyncio.sleep(AGAIN_SECONDS)
        return None

    async def _publish(self, record: TaskRecord, request: TaskRequest, key_id: UUID | None, workflow_id: UUID | None) -> None:
        """Until it is stored, whatever that takes: the stream knows the id, so once is all it can be."""
        data = request.model_dump_json(exclude_none=True).encode()
        while True:
            with suppress(Unavailable, DeadlineExceeded):
                await publish_task(self._bus, record, data, key_id=key_id, workflow_id=workflow_id)
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _ended(self, task_id: UUID, claims: Claims, event: asyncio.Event) -> TaskRecord:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await event.wait()
            event.clear()
            record = await self._look(task_id, claims)
            if record is not None and record.status.terminal:
                return record

    async def _look(self, task_id: UUID, claims: Claims) -> TaskRecord | None:
        """None when there is no such task, or nobody can tell now."""
        try:
            return await self._known(task_id, claims)
        except (Unavailable, DeadlineExceeded):
            return None

    async def _known(self, task_id: UUID, claims: Claims) -> TaskRecord | None:
        """None when there is no such task. Unavailable, DeadlineExceeded."""
        subject = subjects.service_verb(subjects.SERVICE_TASKS, "get")
        try:
            return await self._bus.request(subject, TaskRef(id=task_id), TaskRecord, claims=claims, timeout=POLL_SECONDS)
        except NotFound:
            return None


def _reply(record: TaskRecord) -> Reply:
    if record.status is TaskStatus.COMPLETED:
        return Reply(value=record.model_dump(mode="json", exclude_none=True))
    if record.error is not None:
        return Reply(failure=Failure(message=record.error.message, code=record.error.code))
    return Reply(failure=Failure(message=f"The task {record.id} was {record.status.value}", code="conflict"))
