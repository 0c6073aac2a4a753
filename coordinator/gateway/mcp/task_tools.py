"""Tools for tasks: submit, look, wait, cancel, and ask why."""

import asyncio
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field, ValidationError

from bus import subjects
from bus.auth import Permission
from bus.codec import explain
from bus.limits.rates import Limited
from bus.messages import Claims, Explanation, ListTasks, TaskList, TaskRecord, TaskRef, TaskRequest, TaskStatus, Usage
from bus.messages.base import Command, JsonObject, Record, Text
from bus.messages.output import FailureInfo, Output
from bus.messages.tasks import Priority, Requirements
from bus.messages.work import ChatMessage
from coordinator.gateway import verbs
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.tool import STEP_SECONDS, Call, Tool, WaitSeconds
from coordinator.gateway.submission import checked_key, new_task_id


class PlanTask(Command):
    """What of a task decides where it goes, and what it is to do."""

    prompt: Text | None = Field(default=None, min_length=1, description="what the model is asked; or `messages`")
    messages: tuple[ChatMessage, ...] | None = Field(
        default=None, min_length=1, description="a conversation, instead of `prompt`"
    )
    system: Text | None = Field(default=None, description="with a `prompt`: what the model is to be")
    model: Text | None = Field(default=None, min_length=1, max_length=255, description="left out: what an able agent has warm")
    title: Text | None = Field(default=None, max_length=255)
    priority: Priority = 3
    require: Requirements = Field(default_factory=Requirements)
    depends_on: tuple[UUID, ...] = Field(
        default=(),
        max_length=100,
        description="tasks that must have completed before; `{{output:<id>}}` in the prompt stands for what one of them answered",
    )
    session: Text | None = Field(
        default=None, min_length=1, max_length=255, description="goes to the same host where that is sooner"
    )
    timeout_seconds: float = Field(default=600, gt=0, le=86_400)
    options: JsonObject = Field(default_factory=dict, description="in Ollama's words, such as num_predict or temperature")
    metadata: JsonObject = Field(default_factory=dict)

    def request(self) -> TaskRequest:
        """InvalidRequest for one that contradicts itself."""
        asked = self.model_fields_set & TaskRequest.model_fields.keys()
        try:
            return TaskRequest(**{name: getattr(self, name) for name in asked})
        except ValidationError as error:
            raise explain(error) from None


class SubmitTask(PlanTask):
    idempotency_key: Text | None = Field(
        default=None, description="the same key brings the same task, however often it is sent"
    )
    wait_seconds: WaitSeconds = 0


class GetTask(TaskRef):
    wait_seconds: WaitSeconds = 0


class TaskState(Record):
    """A task as an assistant needs it: without the prompt, which it wrote itself."""

    id: UUID
    status: TaskStatus
    ended: bool
    title: str | None = None
    model: str | None = None
    owner: str
    priority: int
    position: int | None = Field(default=None, description="in the queue; 1 is next")
    eta_seconds: float | None = None
    agent_id: str | None = None
    attempts: int
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: Output | None = None
    usage: Usage | None = None
    error: FailureInfo | None = None

    @classmethod
    def of(cls, record: TaskRecord) -> "TaskState":
        same = {
            name: getattr(record, name) for name in cls.model_fields if name in TaskRecord.model_fields and name != "attempts"
        }
        ended, attempts = record.status.terminal, len(record.attempts)
        return cls(**same, ended=ended, agent_id=record.assigned_agent_id, attempts=attempts)


class TaskStates(Record):
    tasks: tuple[TaskState, ...]
    next_cursor: str | None = None


async def _submit(call: Call[SubmitTask]) -> TaskState:
    gateway, claims, wish = call.gateway, call.claims, call.arguments
    key = checked_key(wish.idempotency_key)
    task_id = new_task_id(claims.tenant, key)
    with gateway.waiting.expect(task_id, asyncio.Event()) as ended:
        submitted = await gateway.submission.submit(wish.request(), claims, task_id=task_id, idempotency_key=key)
        return TaskState.of(await _until(submitted.record, ended, call, wish.wait_seconds))


async def _get(call: Call[GetTask]) -> TaskState:
    task_id = call.arguments.id
    with call.gateway.waiting.expect(task_id, asyncio.Event()) as ended:
        record = await _ask(call.gateway, "get", task_id, call.claims)
        return TaskState.of(await _until(record, ended, call, call.arguments.wait_seconds))


async def _until(
    record: TaskRecord, ended: asyncio.Event, call: Call[SubmitTask] | Call[GetTask], seconds: float
) -> TaskRecord:
    """As it is when it ends, when the time is over, or when the gateway stops; meanwhile the client is told how it stands."""
    waiting, waited = call.gateway.waiting, 0.0
    while waited < seconds and not record.status.terminal and not call.gateway.stopping.is_set():
        await call.progress(waited, seconds, standing(record))
        step = min(STEP_SECONDS, seconds - waited)
        record = await waiting.ended(ended, record.id, call.claims, step) or record
        waited += step
    return record


def standing(record: TaskRecord) -> str:
    """How a task stands, in a few words. Pure."""
    if record.status is TaskStatus.QUEUED and record.position is not None:
        return f"queued, position {record.position}"
    where = "" if record.assigned_agent_id is None else f" on {record.assigned_agent_id}"
    return f"{record.status}{where}"


async def _cancel(call: Call[TaskRef]) -> TaskState:
    body, seconds = TaskRef(id=call.arguments.id), verbs.ORDER_SECONDS
    record = await verbs.ask(call.gateway.bus, subjects.SERVICE_TASKS, "cancel", body, TaskRecord, call.claims, seconds=seconds)
    return TaskState.of(record)


async def _list(call: Call[ListTasks]) -> TaskStates:
    found = await verbs.ask(call.gateway.bus, subjects.SERVICE_TASKS, "list", call.arguments, TaskList, call.claims)
    return TaskStates(tasks=tuple(map(TaskState.of, found.tasks)), next_cursor=found.next_cursor)


async def _explain(call: Call[TaskRef]) -> Explanation:
    body = TaskRef(id=call.arguments.id)
    return await verbs.ask(call.gateway.bus, subjects.SERVICE_TASKS, "explain", body, Explanation, call.claims)


async def _preview(call: Call[PlanTask]) -> Explanation:
    request = call.arguments.request()
    await call.gateway.submission.admit(request, call.claims)
    return await verbs.ask(call.gateway.bus, subjects.SERVICE_TASKS, "preview", request, Explanation, call.claims)


async def _ask(gateway: Gateway, verb: str, task_id: UUID, claims: Claims) -> TaskRecord:
    return await verbs.ask(gateway.bus, subjects.SERVICE_TASKS, verb, TaskRef(id=task_id), TaskRecord, claims)


TOOLS: Final[tuple[Tool[Any], ...]] = (
    Tool(
        name="submit_task",
        title="Submit a task",
        description="Give the hive a prompt; it picks the host that will finish it first. Answers at once with the task's id, or, "
        "with wait_seconds, when it has ended. For what takes longer, ask get_task with wait_seconds until it has `ended`.",
        arguments=SubmitTask,
        result=TaskState,
        handler=_submit,
        permission=Permission.TASKS_CREATE,
        limit=Limited.TASKS_CREATE,
    ),
    Tool(
        name="get_task",
        title="Get a task",
        description="How a task stands, where it runs, and its output once it has ended. With wait_seconds it waits for the end.",
        arguments=GetTask,
        result=TaskState,
        handler=_get,
        permission=None,
        reads=True,
    ),
    Tool(
        name="cancel_task",
        title="Cancel a task",
        description="Queued or running: once this is answered the task never completes.",
        arguments=TaskRef,
        result=TaskState,
        handler=_cancel,
        permission=None,
        destroys=True,
        idempotent=True,
    ),
    Tool(
        name="list_tasks",
        title="List tasks",
        description="Newest first, without outputs. Without the permission tasks.view these are the caller's own.",
        arguments=ListTasks,
        result=TaskStates,
        handler=_list,
        permission=None,
        reads=True,
    ),
    Tool(
        name="explain_task",
        title="Why is this task there?",
        description="The scheduler's own table of the agents for a task, best first, and its choice.",
        arguments=TaskRef,
        result=Explanation,
        handler=_explain,
        permission=None,
        reads=True,
    ),
    Tool(
        name="explain_placement",
        title="Where would a task go?",
        description="A dry run: the scheduler's table of the agents for a task that nobody has submitted.",
        arguments=PlanTask,
        result=Explanation,
        handler=_preview,
        permission=Permission.TASKS_CREATE,
        reads=True,
    ),
)
