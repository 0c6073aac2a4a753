"""What a door or the NATS CLI asked for, read from its message: pure. A submit becomes a task, whatever it says."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Final
from uuid import UUID, uuid5

from pydantic import TypeAdapter, ValidationError

from bus import subjects
from bus.client import MAX_MESSAGE_BYTES, Received
from bus.codec import decode
from bus.errors import HiveError, InvalidId, InvalidSubject, PayloadTooLarge
from bus.messages import FailureInfo, TaskClass, TaskRequest
from bus.messages.base import Slug
from bus.tenancy import person
from coordinator.scheduling.sizes import size_of
from coordinator.tasks import ANYTHING, Task, failure, session_hash, streaming_of

_UNREADABLE: Final = UUID("8f0f2f0e-6a0e-5a52-9a1c-2f4b7f1f7a10")
"""Namespace of the ids of failed tasks whose own id could not be read."""
_SLUG: Final = TypeAdapter(Slug)
MAX_BODY_BYTES: Final = MAX_MESSAGE_BYTES - 64 * 1024
"""What the bus takes, less what an offer says beside the request: one that cannot be offered would hold a slot for nothing."""
MAX_HEADER: Final = 255
"""Characters; what Hive itself writes there is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A submit, understood. `request` holds the prompt and goes no further than PostgreSQL and the offer."""

    task: Task
    request: TaskRequest
    body: bytes
    body_hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """A submit that cannot become work: it becomes a failed task that says why, and holds nothing up."""

    task: Task
    error: FailureInfo


def interpret(received: Received) -> Submitted | Poison:
    """A message of HIVE_TASKS, from any door."""
    task_id, tenant = _UNREADABLE, subjects.DEFAULT_TENANT
    try:
        tenant_token, class_token, id_token = subjects.parse_submit(received.subject)
        task_id = _task_id(id_token)
        task_class = _class(class_token)
        tenant = _tenant(tenant_token)
        request = _request(received.data)
    except HiveError as error:
        return Poison(task=_task_that_failed(received, task_id, tenant), error=failure(error))
    # What was understood, and not what was sent: PostgreSQL may refuse what Hive ignores, or give it back changed.
    body = request.model_dump_json(exclude_unset=True).encode()
    task = _task(received, task_id, tenant, task_class, request)
    return Submitted(task=task, request=request, body=body, body_hash=_header(received, subjects.HEADER_BODY_HASH))


def _tenant(token: str) -> str:
    """InvalidSubject. A tenant is there as soon as it is named: whoever may publish here vouches for it."""
    try:
        return intern(_SLUG.validate_python(token))
    except ValidationError:
        raise InvalidSubject(f"{token[:64]!r} is no tenant; the subject's fourth token is a word such as acme.") from None


def _request(body: bytes) -> TaskRequest:
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The task has {len(body):,} bytes, and {MAX_BODY_BYTES:,} are the most. Split the work.")
    return decode(TaskRequest, body)


def _task(received: Received, task_id: UUID, tenant: str, task_class: TaskClass, request: TaskRequest) -> Task:
    owner = _owner(received)
    return Task(
        id=task_id,
        tenant=tenant,
        owner=owner,
        priority=request.priority if "priority" in request.model_fields_set else task_class.priority,
        sequence=received.sequence,
        created_at=_stored_at(received),
        kind=request.kind,
        model=request.model and intern(request.model),
        title=request.title,
        require=ANYTHING if request.require == ANYTHING else request.require,
        timeout_seconds=request.timeout_seconds,
        attempts_allowed=request.max_attempts,
        max_attempts=request.max_attempts,
        not_before=request.not_before,
        traceparent=_header(received, subjects.HEADER_TRACEPARENT),
        key_id=_charged(received, subjects.HEADER_KEY),
        workflow_id=_charged(received, subjects.HEADER_WORKFLOW),
        size=size_of(request),
        session=session_hash(person(tenant, owner), request.session),
        end_by=request.deadline,
        preemptible=request.preemptible,
        streaming=streaming_of(request),
    )


def _task_that_failed(received: Received, task_id: UUID, tenant: str) -> Task:
    """One whose id could not be read is shown under one made from where it stands on the stream."""
    return Task(
        id=uuid5(_UNREADABLE, f"{received.subject}#{received.sequence}") if task_id == _UNREADABLE else task_id,
        tenant=tenant,
        owner=_owner(received),
        kind=None,
        priority=TaskClass.MEDIUM.priority,
        sequence=received.sequence,
        created_at=_stored_at(received),
        traceparent=_header(received, subjects.HEADER_TRACEPARENT),
        key_id=_charged(received, subjects.HEADER_KEY),
        workflow_id=_charged(received, subjects.HEADER_WORKFLOW),
    )


def _owner(received: Received) -> str:
    return intern(_header(received, subjects.HEADER_OWNER) or "bus")


def _header(received: Received, name: str) -> str | None:
    """Whoever publishes may write anything there; PostgreSQL takes neither U+0000 nor, in an index, a text of kilobytes."""
    value = received.headers.get(name)
    return None if value is None else value.replace("\x00", "�")[:MAX_HEADER]


def _charged(received: Received, name: str) -> UUID | None:
    """What is no id is nobody's; tasks are many and keys are few, so each is held once."""
    value = received.headers.get(name)
    return None if value is None else _id(value)


@lru_cache(maxsize=4096)
def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _task_id(token: str) -> UUID:
    try:
        return UUID(token)
    except ValueError:
        raise InvalidId(f"{token[:64]!r} is no task id; the subject's last token is a UUID.") from None


def _class(token: str) -> TaskClass:
    try:
        return TaskClass(token)
    except ValueError:
        raise InvalidSubject(f"{token[:64]!r} is no class; the subject's fifth token is high, medium or low.") from None


def _stored_at(received: Received) -> datetime:
    if received.stored_at is None:
        raise ValueError("a submit comes from a stream")
    return received.stored_at
