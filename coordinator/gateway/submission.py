"""The one implementation of a submit, for every door: check what can be checked, then make the promise.

The promise is the stream's acknowledgement. Without `depends_on` nothing but NATS is needed for it.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, TypeVar
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel

from bus import auth, subjects
from bus.client import Bus
from bus.errors import (
    BusUnavailable,
    DeadlineExceeded,
    DependencyCycle,
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    QuotaExceeded,
    Unavailable,
    UnknownDependency,
    UnknownModel,
)
from bus.messages import Claims, TaskRecord, TaskRef, TaskRequest, task_class
from bus.messages.tasks import SubmittedTask
from bus.mirror import Mirror
from bus.quotas import Quotas
from bus.submit import accepted, publish_task, require_rights, unknown_model
from bus.tenancy import person
from coordinator.gateway import verbs
from coordinator.gateway.overload import Overload

M = TypeVar("M", bound=BaseModel)

IDEMPOTENCY_NAMESPACE: Final = UUID("5f0c4e0a-7a0e-5d5e-9b1c-6d1a0f5c3e21")
"""Of the UUIDv5 of tenant and Idempotency-Key. It never changes: ids of keys that were used are made of it."""

LOOK_SECONDS: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """`created` is False when the Idempotency-Key had brought this task before."""

    record: TaskRecord
    created: bool


class Submission:
    """Takes tasks in. `models` are all names ever seen, by their key in the bucket."""

    def __init__(self, bus: Bus, models: Mirror[str], quotas: Quotas, overload: Overload, max_body_bytes: int) -> None:
        self._bus, self._models, self._quotas, self._overload, self._max_body_bytes = (
            bus,
            models,
            quotas,
            overload,
            max_body_bytes,
        )

    async def submit(
        self, request: TaskRequest, claims: Claims, *, task_id: UUID, idempotency_key: str | None = None
    ) -> Submitted:
        """`task_id` is what `new_task_id` made of the same key. Raises what docs/errors.md lists for a submit."""
        data = request.model_dump_json(exclude_defaults=True).encode()
        if len(data) > self._max_body_bytes:
            raise PayloadTooLarge(
                f"The task has {len(data):,} bytes, and {self._max_body_bytes:,} are the most. Shorten the prompt or split the work."
            )
        digest = None if idempotency_key is None else body_hash(request)
        record = accepted(task_id, request, claims, datetime.now(UTC))
        mine, refused = SubmittedTask(record=record, body_hash=digest), None
        try:
            await self.admit(request, claims)
        except QuotaExceeded as error:  # perhaps by this very task: what was let in before is not asked for anew
            refused = error
        if digest is not None and (earlier := await self._earlier(record)):
            return Submitted(record=_same(earlier, mine), created=False)
        if refused is not None:
            raise refused
        if record.depends_on:
            await self._check_dependencies(record, claims)
        if await self._publish(mine, data, claims.key_id) and digest is not None and (earlier := await self._earlier(record)):
            return Submitted(record=_same(earlier, mine), created=False)
        return Submitted(record=record, created=True)

    async def admit(self, request: TaskRequest, claims: Claims) -> None:
        """Whether these claims may ask for this model, and whether anybody ever had it. PermissionDenied, QuotaExceeded, UnknownModel."""
        require_rights(request, claims)
        self._quotas.require(claims, datetime.now(UTC))
        if request.model is not None and not await self.knows(request.model):
            known = [model for model in self._models.items.values() if auth.allows_model(claims, model)]
            raise UnknownModel(unknown_model(request.model, known, restricted=bool(claims.models)))

    async def knows(self, model: str) -> bool:
        """Whether anybody ever had it."""
        return await self._models.find(subjects.model_key(model)) is not None

    async def _publish(self, task: SubmittedTask, data: bytes, key_id: UUID | None) -> bool:
        """Whether the bus knew the id already. QueueFull where there is no room, here or on the stream."""
        record = task.record
        try:
            with self._overload.room(task_class(record.priority)):
                stored = await publish_task(self._bus, record, data, body_hash=task.body_hash, key_id=key_id)
        except BusUnavailable as error:
            raise BusUnavailable(
                f"{error.message} Whether task {record.id} was taken is open: look for it, or send it again under an Idempotency-Key.",
                retry_after_seconds=error.retry_after_seconds,
            ) from error
        if stored.duplicate:
            self._overload.give_back()
        return stored.duplicate

    async def _earlier(self, record: TaskRecord) -> SubmittedTask | None:
        """The task of that id, whoever owns it: from the coordinator, or where none can tell, from the stream."""
        try:
            return await self._ask("submitted", record.id, SubmittedTask, auth.BUS_OPERATOR, LOOK_SECONDS)
        except NotFound:
            return None
        except (Unavailable, DeadlineExceeded):
            return await self._in_stream(record.id)

    async def _in_stream(self, task_id: UUID) -> SubmittedTask | None:
        stored = await self._bus.last(subjects.TASKS, subjects.submits_of_task(task_id))
        if stored is None:
            return None
        tenant, _, _ = subjects.parse_submit(stored.subject)
        owner = Claims(sub=stored.headers.get(subjects.HEADER_OWNER, ""), roles=(), tenant=tenant)
        record = accepted(task_id, stored.decode(TaskRequest), owner, stored.stored_at or datetime.now(UTC))
        return SubmittedTask(record=record, body_hash=stored.headers.get(subjects.HEADER_BODY_HASH))

    async def _check_dependencies(self, record: TaskRecord, claims: Claims) -> None:
        if record.id in record.depends_on:
            raise DependencyCycle(f"Task {record.id} cannot wait for itself. Take its id out of `depends_on`.")
        await asyncio.gather(*(self._check_dependency(other, claims) for other in set(record.depends_on)))

    async def _check_dependency(self, task_id: UUID, claims: Claims) -> None:
        try:
            await self._ask("get", task_id, TaskRecord, claims, verbs.READ_SECONDS)
        except (NotFound, PermissionDenied):
            raise UnknownDependency(
                f"There is no task {task_id} that is yours to wait for. Submit it first, then name its id."
            ) from None

    async def _ask(self, verb: str, task_id: UUID, answer: type[M], claims: Claims, seconds: float) -> M:
        body = TaskRef(id=task_id)
        return await verbs.ask(self._bus, subjects.SERVICE_TASKS, verb, body, answer, claims, seconds=seconds)


def new_task_id(tenant: str, idempotency_key: str | None) -> UUID:
    """The same key of the same tenant is the same task. Pure but for the random id without a key."""
    return uuid4() if idempotency_key is None else uuid5(IDEMPOTENCY_NAMESPACE, f"{tenant}\0{idempotency_key}")


def body_hash(request: TaskRequest) -> str:
    """SHA-256 of what was asked for, whatever its spelling: the order of fields and defaults written out do not count."""
    said = request.model_dump(mode="json", exclude_defaults=True)
    return sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def checked_key(value: str | None) -> str | None:
    """An Idempotency-Key as a client gave it. InvalidRequest when it is empty, long, or not plain text."""
    if value is not None and not (0 < len(value) <= 255 and value.isprintable()):
        raise InvalidRequest("The Idempotency-Key has 1 to 255 printable characters, such as a UUID.")
    return value


def _same(earlier: SubmittedTask, mine: SubmittedTask) -> TaskRecord:
    if _whose(earlier) != _whose(mine) or earlier.body_hash != mine.body_hash:
        raise IdempotencyMismatch(
            f"This Idempotency-Key brought task {mine.record.id} with another body. "
            "Take a new key, or send the same body again."
        )
    return earlier.record


def _whose(task: SubmittedTask) -> str:
    return person(task.record.tenant, task.record.owner)
