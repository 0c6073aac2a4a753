"""Schedules: tasks that are submitted at each due time of a cron expression."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Body, Path, Query, Response

from bus import subjects
from bus.auth import Permission
from bus.errors import (
    Conflict,
    InvalidCron,
    InvalidId,
    InvalidJson,
    PayloadTooLarge,
    QueueFull,
    ScheduleNotFound,
    TooManySchedules,
    UnknownModel,
    UnknownTimeZone,
    UnsupportedMediaType,
)
from bus.messages import (
    ChangeSchedule,
    CreateSchedule,
    ListSchedules,
    NextTimes,
    NoReply,
    RunSchedule,
    ScheduleList,
    ScheduleRecord,
    ScheduleRef,
    TaskRecord,
    Timing,
    UpdateSchedule,
    task_class,
)
from coordinator.gateway import verbs
from coordinator.gateway.body import JsonRoute
from coordinator.gateway.examples import schedules as examples
from coordinator.gateway.routes.declared import Caller, Door, answer, needs, needs_any_key, needs_own

router = APIRouter(prefix="/api/schedules", tags=["schedules"], route_class=JsonRoute)

_TIMING = (InvalidJson, PayloadTooLarge, UnsupportedMediaType, InvalidCron, UnknownTimeZone)
_ScheduleId = Annotated[UUID, Path(description="the schedule's id", examples=["3d1f7a52-6a0b-4f5e-9d53-0c7c6a1f2b11"])]


@router.post(
    "",
    summary="Create a schedule",
    status_code=201,
    response_model=ScheduleRecord,
    **needs(Permission.TASKS_CREATE, *_TIMING, UnknownModel, Conflict, TooManySchedules),
)
async def create(
    schedule: Annotated[CreateSchedule, Body(openapi_examples=examples.SCHEDULES)], gateway: Door, caller: Caller
) -> Response:
    """Its tasks are the caller's, with the rights of this key; when the key is revoked the schedule is paused."""
    made = await verbs.order(gateway.bus, subjects.SERVICE_SCHEDULES, "create", schedule, ScheduleRecord, caller)
    return answer(made, 201, {"Location": f"/api/schedules/{made.id}"})


@router.get("", summary="List schedules, newest first", response_model=ScheduleList, **needs_own(Permission.TASKS_VIEW))
async def list_schedules(query: Annotated[ListSchedules, Query()], gateway: Door, caller: Caller) -> Response:
    """Without their tasks. Without the permission tasks.view these are the caller's own."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_SCHEDULES, "list", query, ScheduleList, caller))


@router.post("/preview", summary="When would that be due?", response_model=NextTimes, **needs_any_key(*_TIMING))
async def preview(
    timing: Annotated[Timing, Body(openapi_examples=examples.TIMINGS)], gateway: Door, caller: Caller
) -> Response:
    """A dry run: the next five times, as a clock in the time zone shows them. Nothing is made."""
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_SCHEDULES, "preview", timing, NextTimes, caller))


@router.get(
    "/{schedule_id}",
    summary="Get a schedule",
    response_model=ScheduleRecord,
    **needs_own(Permission.TASKS_VIEW, InvalidId, ScheduleNotFound),
)
async def get_schedule(schedule_id: _ScheduleId, gateway: Door, caller: Caller) -> Response:
    """With its task, its next and last due time, the last task, and why the last due time brought none."""
    body = ScheduleRef(id=schedule_id)
    return answer(await verbs.ask(gateway.bus, subjects.SERVICE_SCHEDULES, "get", body, ScheduleRecord, caller))


@router.patch(
    "/{schedule_id}",
    summary="Change, pause or resume a schedule",
    response_model=ScheduleRecord,
    **needs_own(Permission.TASKS_CANCEL, InvalidId, *_TIMING, UnknownModel, ScheduleNotFound, Conflict),
)
async def change(
    schedule_id: _ScheduleId,
    wish: Annotated[UpdateSchedule, Body(openapi_examples=examples.SCHEDULE_CHANGES)],
    gateway: Door,
    caller: Caller,
) -> Response:
    """What is left out stays as it is. The owner's key of now becomes the key whose rights its tasks have.

    Times that passed while it was paused are not caught up.
    """
    changed = ChangeSchedule(id=schedule_id, **{name: getattr(wish, name) for name in wish.model_fields_set})
    body = changed.model_dump_json(exclude_unset=True).encode()  # with its nulls
    return answer(await verbs.order(gateway.bus, subjects.SERVICE_SCHEDULES, "update", body, ScheduleRecord, caller))


@router.delete(
    "/{schedule_id}",
    summary="Remove a schedule",
    status_code=204,
    response_class=Response,
    **needs_own(Permission.TASKS_CANCEL, InvalidId, ScheduleNotFound),
)
async def remove(schedule_id: _ScheduleId, gateway: Door, caller: Caller) -> Response:
    """Nothing comes of it any more. The tasks that it brought stay."""
    body = ScheduleRef(id=schedule_id)
    await verbs.order(gateway.bus, subjects.SERVICE_SCHEDULES, "delete", body, NoReply, caller)
    return Response(status_code=204)


@router.post(
    "/{schedule_id}/run",
    summary="Submit a schedule's task now",
    status_code=201,
    response_model=TaskRecord,
    **needs_own(Permission.TASKS_CANCEL, InvalidId, ScheduleNotFound, QueueFull),
)
async def run(schedule_id: _ScheduleId, gateway: Door, caller: Caller) -> Response:
    """Also while it is paused, and whatever `overlap` says. Its next due time stays as it is."""
    ref, service = ScheduleRef(id=schedule_id), subjects.SERVICE_SCHEDULES
    found = await verbs.ask(gateway.bus, service, "get", ref, ScheduleRecord, caller)
    with gateway.overload.room(task_class(found.task.priority if found.task else 3)):
        order = RunSchedule(id=schedule_id, task_id=uuid4())
        task = await verbs.ask(gateway.bus, service, "run", order, TaskRecord, caller, seconds=verbs.ORDER_SECONDS)
    return answer(task, 201, {"Location": f"/api/tasks/{task.id}"})
