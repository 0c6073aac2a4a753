"""Tasks: submit, look, cancel, and what an operator may do with them."""

import asyncio
from contextlib import nullcontext
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    AgentNotFound,
    AgentUnable,
    AlreadyEnded,
    Conflict,
    DependencyCycle,
    DependencyFailed,
    IdempotencyMismatch,
    InvalidId,
    InvalidJson,
    PayloadTooLarge,
    QueueFull,
    QuotaExceeded,
    TaskNotFound,
    UnknownDependency,
    UnknownModel,
    UnsupportedMediaType,
)
from bus.limits.rates import Limited
from bus.messages import (
    AssignTask,
    Claims,
    Command,
    Explanation,
    ListTasks,
    NoReply,
    PrioritizeTask,
    TaskList,
    TaskRecord,
    TaskRef,
    TaskRequest,
)
from bus.messages.base import Slug
from bus.messages.tasks import Priority
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import tasks as examples
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.places import HEADERS, place_headers
from coordinator.gateway.routes.declared import (
    Caller,
    Door,
    IdempotencyKey,
    RequestId,
    TaskIdPath,
    answer,
    needs,
    needs_own,
)
from coordinator.gateway.streaming import check_position, output_events, parse_position
from coordinator.gateway.submission import Submitted, checked_key, new_task_id
from coordinator.gateway.waiting import MAX_WAIT_SECONDS

router = APIRouter(prefix="/api/tasks", tags=["tasks"], route_class=JsonRoute)

_BODY = (InvalidJson, PayloadTooLarge, UnsupportedMediaType)
_ADMISSION = (*_BODY, UnknownModel, QuotaExceeded)
_Task = Annotated[TaskRequest, Body(openapi_examples=examples.TASK_REQUESTS)]
_Wait = Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS, description="seconds to wait for the end of the task", examples=[30])]
_LastEventId = Annotated[str | None, Header(description="the id of the last event seen, to go on behind it")]


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


class Assignment(Command):
    """The body of `PUT /api/tasks/{task_id}/assign`."""

    agent_id: Slug


class NewPriority(Command):
    """The body of `PUT /api/tasks/{task_id}/priority`."""

    priority: Priority


_Assignment = Annotated[Assignment, Body(openapi_examples=examples.ASSIGNMENTS)]
_NewPriority = Annotated[NewPriority, Body(openapi_examples=examples.PRIORITIES)]


@router.post(
    "",
    summary="Submit a task",
    status_code=201,
    response_model=TaskRecord,
    **needs(
        Permission.TASKS_CREATE,
        *(*_ADMISSION, UnknownDependency, DependencyCycle, IdempotencyMismatch, QueueFull),
        also={200: {"model": TaskRecord, "description": "The Idempotency-Key had brought this task before"}},
        limit=Limited.TASKS_CREATE,
    ),
)
async def submit(
    task: _Task, gateway: Door, caller: Caller, wait: _Wait = 0, idempotency_key: IdempotencyKey = None
) -> Response:
    """Answered when the task is safe on disk. With `wait`, when it has ended, or with how it is after that many seconds.

    201 for a new task; 200 when the Idempotency-Key had brought it before.
    """
    key = checked_key(idempotency_key)
    task_id = new_task_id(caller.tenant, key)
    with gateway.waiting.expect(task_id, asyncio.Event()) if wait else nullcontext() as ended:
        submitted = await gateway.submission.submit(task, caller, task_id=task_id, idempotency_key=key)
        record = submitted.record
        if ended is not None and not record.status.terminal:
            record = await gateway.waiting.ended(ended, task_id, caller, wait) or record
    return _created(submitted, record)


def _created(submitted: Submitted, record: TaskRecord) -> Response:
    return answer(record, 201 if submitted.created else 200, {"Location": f"/api/tasks/{record.id}", **place_headers(record)})


@router.get("", summary="List tasks, newest first", response_model=TaskList, **needs_own(Permission.TASKS_VIEW))
async def list_tasks(query: Annotated[ListTasks, Query()], gateway: Door, caller: Caller) -> Response:
    """Records without prompts and outputs. Without the permission tasks.view these are the caller's own.

    `next_cursor` of one page is `cursor` of the next; it is null on the last.
    """
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_TASKS, "list", query, TaskList, caller))


@router.post(
    "/explain",
    summary="Where would this task go, and why?",
    response_model=Explanation,
    **needs(Permission.TASKS_CREATE, *_ADMISSION),
)
async def preview(task: _Task, gateway: Door, caller: Caller) -> Response:
    """A dry run: the scheduler's own table of the agents, and its choice. Nothing is submitted."""
    await gateway.submission.admit(task, caller)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_TASKS, "preview", task, Explanation, caller))


@router.get(
    "/{task_id}",
    summary="Get a task",
    response_model=TaskRecord,
    **needs_own(Permission.TASKS_VIEW, InvalidId, TaskNotFound, also={200: {"headers": HEADERS}}),
)
async def get_task(task_id: TaskIdPath, gateway: Door, caller: Caller) -> Response:
    """With its prompt, its attempts and its output. `position` is null while no coordinator leads.

    While it waits, the headers X-Hive-Queue-Position and X-Hive-Queue-Eta-Seconds tell its place, and X-Hive-Queue-Rise why it
    was last put back.
    """
    record = await _get(gateway, task_id, caller)
    return answer(record, headers=place_headers(record))


@router.delete(
    "/{task_id}",
    summary="Cancel a task",
    response_model=TaskRecord,
    **needs_own(Permission.TASKS_CANCEL, InvalidId, TaskNotFound, AlreadyEnded),
)
async def cancel(task_id: TaskIdPath, gateway: Door, caller: Caller) -> Response:
    """Queued or running: once this is answered the task never completes. What runs is stopped at its backend."""
    return answer(await _order_again(gateway, "cancel", TaskRef(id=task_id), caller))


@router.delete(
    "/{task_id}/record",
    summary="Erase an ended task",
    status_code=204,
    response_class=Response,
    **needs_own(Permission.TASKS_CANCEL, InvalidId, TaskNotFound, Conflict),
)
async def erase(task_id: TaskIdPath, gateway: Door, caller: Caller) -> Response:
    """Prompt, output, attempts and record are gone when this is answered. 409 for a task that has not ended."""
    await verbs.order(gateway.bus, subjects.SERVICE_TASKS, "erase", TaskRef(id=task_id), NoReply, caller)
    return Response(status_code=204)


@router.put(
    "/{task_id}/assign",
    summary="Assign a task to an agent by hand",
    response_model=TaskRecord,
    **needs(Permission.TASKS_ASSIGN, InvalidId, *_BODY, TaskNotFound, AgentNotFound, AgentUnable, Conflict),
)
async def assign(task_id: TaskIdPath, assignment: _Assignment, gateway: Door, caller: Caller) -> Response:
    """The task waits for this agent and goes to no other. 409 when the agent could never take it."""
    return answer(await _order_again(gateway, "assign", AssignTask(id=task_id, agent_id=assignment.agent_id), caller))


@router.put(
    "/{task_id}/priority",
    summary="Change the priority of a task that waits",
    response_model=TaskRecord,
    **needs_own(Permission.TASKS_PRIORITIZE, InvalidId, *_BODY, TaskNotFound, Conflict),
)
async def prioritize(task_id: TaskIdPath, wish: _NewPriority, gateway: Door, caller: Caller) -> Response:
    """It stands by its arrival among those of its new priority. 409 for one that has begun or ended."""
    return answer(await _order_again(gateway, "prioritize", PrioritizeTask(id=task_id, priority=wish.priority), caller))


@router.post(
    "/{task_id}/requeue",
    summary="Give a failed task another round",
    response_model=TaskRecord,
    **needs(Permission.TASKS_ASSIGN, InvalidId, TaskNotFound, Conflict, UnknownModel, UnknownDependency, DependencyFailed),
)
async def requeue(task_id: TaskIdPath, gateway: Door, caller: Caller) -> Response:
    """Takes a task back out of the dead letters, with as many attempts as it had at first."""
    return answer(await _order(gateway, "requeue", TaskRef(id=task_id), caller))


@router.get(
    "/{task_id}/explain",
    summary="Why is this task there?",
    response_model=Explanation,
    **needs_own(Permission.TASKS_VIEW, InvalidId, TaskNotFound),
)
async def explain(task_id: TaskIdPath, gateway: Door, caller: Caller) -> Response:
    """The scheduler's own table of the agents as it is now, best first, and its choice."""
    body = TaskRef(id=task_id)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_TASKS, "explain", body, Explanation, caller))


@router.get(
    "/{task_id}/output",
    summary="Follow the output of a task",
    response_class=EventStream,
    **needs_own(Permission.TASKS_VIEW, InvalidId, TaskNotFound, also=examples.OUTPUT_STREAM),
)
async def follow_output(
    request: Request,
    task_id: TaskIdPath,
    gateway: Door,
    caller: Caller,
    request_id: RequestId,
    last_event_id: _LastEventId = None,
) -> EventStream:
    """Server-sent events: `delta` as the model speaks, `restart` when another attempt begins anew, `done` with the task.

    While the task waits, `queue` tells its place, when it is expected to begin, and why it was last put back, as often as these
    change and at most once a second.
    Every `delta` has the id `<attempt>:<characters so far>`; sent back as Last-Event-ID it resumes there. `error` ends the
    stream with a problem. A Last-Event-ID that the output has not come to is refused: at once with 422 where that is known, else
    by `error` as soon as the model speaks. Comments keep the connection alive.
    """
    start = parse_position(last_event_id)
    record = await _get(gateway, task_id, caller)
    check_position(start, record)
    events = output_events(gateway, record, caller, start, request.url.path, request_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", **place_headers(record)}
    return EventStream(events, headers=headers)


async def _get(gateway: Gateway, task_id: UUID, caller: Claims) -> TaskRecord:
    body = TaskRef(id=task_id)
    return await verbs.ask(gateway.bus, subjects.SERVICE_TASKS, "get", body, TaskRecord, caller)


async def _order(gateway: Gateway, verb: str, body: Command, caller: Claims) -> TaskRecord:
    return await verbs.order(gateway.bus, subjects.SERVICE_TASKS, verb, body, TaskRecord, caller)


async def _order_again(gateway: Gateway, verb: str, body: Command, caller: Claims) -> TaskRecord:
    """One that may be given twice, such as a cancel."""
    return await verbs.ask(gateway.bus, subjects.SERVICE_TASKS, verb, body, TaskRecord, caller, seconds=verbs.ORDER_SECONDS)
