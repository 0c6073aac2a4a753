"""How a task gets onto the bus, whoever asks for it: a door for its caller, or the leader for a schedule.

The promise is the stream's acknowledgement. Nothing but NATS is needed for it.
"""

from datetime import datetime
from difflib import get_close_matches
from typing import Final
from uuid import UUID

from bus import auth, subjects, tracing
from bus.auth import Permission
from bus.client import Bus, Stored
from bus.errors import PermissionDenied
from bus.messages import Claims, TaskRecord, TaskRequest, TaskStatus, task_class

PUBLISH_SECONDS: Final = 10.0


def require_rights(request: TaskRequest, claims: Claims) -> None:
    """PermissionDenied unless these claims may ask for this task, and for its model. Pure."""
    auth.require(claims, Permission.TASKS_CREATE)
    if request.model is None:
        if claims.models:
            raise PermissionDenied(f"This key may use only {listed(claims.models)}. Name one of them in `model`.")
    elif not auth.allows_model(claims, request.model):
        raise PermissionDenied(f"This key may not use {request.model!r}, only {listed(claims.models)}.")


def unknown_model(model: str, known: list[str], *, restricted: bool = False) -> str:
    """Says which names would do: similar ones first. `restricted`: `known` are only those that the key may use, so no word of others."""
    if not known and restricted:
        return (
            f"No agent has ever offered {model!r}, nor any other model that this key may use. Ask for a key that may use more."
        )
    if not known:
        return f"No agent has ever offered {model!r}, nor any other model. Add a host with `hive agents add`."
    near = get_close_matches(model, known, n=3, cutoff=0.5)
    names = list(dict.fromkeys([*near, *sorted(known)]))
    which = "Of those that this key may use, known" if restricted else "Known"
    return f"No agent has ever offered {model!r}. {which} are {listed(names)}."


def accepted(task_id: UUID, request: TaskRequest, owner: Claims, at: datetime) -> TaskRecord:
    """The record of a task that the bus holds and no coordinator has read yet."""
    asked = {name: getattr(request, name) for name in TaskRequest.model_fields}
    status = TaskStatus.PENDING if request.depends_on else TaskStatus.QUEUED
    return TaskRecord(id=task_id, tenant=owner.tenant, owner=owner.sub, status=status, created_at=at, **asked)


async def publish_task(
    bus: Bus,
    record: TaskRecord,
    data: bytes,
    *,
    body_hash: str | None = None,
    key_id: UUID | None = None,
    workflow_id: UUID | None = None,
) -> Stored:
    """`data` is the request's JSON; its use is charged to `key_id` and `workflow_id`, beside the owner. The same id is stored once. StoreFull, and BusUnavailable, which leaves open whether it was taken."""
    headers = {subjects.HEADER_OWNER: record.owner}
    if body_hash is not None:
        headers[subjects.HEADER_BODY_HASH] = body_hash
    charged = {subjects.HEADER_KEY: key_id, subjects.HEADER_WORKFLOW: workflow_id}
    headers |= {name: str(value) for name, value in charged.items() if value is not None}
    of_class = task_class(record.priority)
    subject = subjects.submit(record.tenant, of_class, record.id)
    message_id = f"{record.tenant}.{record.id}"
    with tracing.span("submit", "producer", {"hive.task.id": str(record.id), "hive.task.class": of_class.value}) as span:
        span.set("messaging.system", "nats")
        return await bus.publish_durable(subject, data, message_id=message_id, headers=headers, timeout=PUBLISH_SECONDS)


def listed(names: list[str] | tuple[str, ...]) -> str:
    """The first five, and how many more there are."""
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more} more" if more > 0 else "")
