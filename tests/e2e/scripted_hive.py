"""A hive whose coordinator, door and agents follow a test's script, on the real bus: states that a real one shows only by luck."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from bus import auth, subjects
from bus.errors import AlreadyEnded, TaskNotFound, Unauthenticated
from bus.messages import (
    AgentRecord,
    AgentRow,
    AttemptRecord,
    AttemptStatus,
    Claims,
    ClusterStatus,
    EventType,
    Explanation,
    FailureInfo,
    Heartbeat,
    HiveEvent,
    ListTasks,
    ModelInfo,
    NoReply,
    OutcomeStatus,
    Output,
    OutputChunk,
    PerformanceMetrics,
    RedeemTicket,
    Role,
    TaskChange,
    TaskList,
    TaskRecord,
    TaskRef,
    TaskRequest,
    TaskStatus,
    Timings,
    Usage,
)
from bus.nats_bus import NatsBus
from bus.service import Call, Endpoint, Service

ADMIN = Claims(sub="ada", roles=(Role.ADMIN,))
DEVELOPER = Claims(sub="dora", roles=(Role.DEVELOPER,))
_EVENTS = {
    TaskStatus.PENDING: EventType.TASK_CREATED,
    TaskStatus.QUEUED: EventType.TASK_QUEUED,
    TaskStatus.ASSIGNED: EventType.TASK_ASSIGNED,
    TaskStatus.RUNNING: EventType.TASK_STARTED,
    TaskStatus.COMPLETED: EventType.TASK_COMPLETED,
    TaskStatus.FAILED: EventType.TASK_FAILED,
    TaskStatus.CANCELLED: EventType.TASK_CANCELLED,
}
_ORDER = list(TaskStatus)


class ScriptedHive:
    """`tickets` and keys let in; `submitted` receives each task that the page sends."""

    def __init__(self, bus: NatsBus) -> None:
        self.bus = bus
        self.tasks: dict[UUID, TaskRecord] = {}
        self.agents: dict[str, AgentRecord] = {}
        self.queue: dict[str, int] = {"high": 0, "medium": 0, "low": 0, "pending": 0}
        self.tickets: dict[str, Claims] = {}
        self.submitted: asyncio.Queue[TaskRecord] = asyncio.Queue()
        self._leading = AsyncExitStack()

    async def lead(self) -> None:
        """Answer the verbs, as a gateway and a leading coordinator do."""
        tasks = (
            Endpoint(verb="submit", body=TaskRequest, handler=self._submit, permission=auth.Permission.TASKS_CREATE),
            Endpoint(verb="get", body=TaskRef, handler=self._get, permission=None),
            Endpoint(verb="list", body=ListTasks, handler=self._list, permission=None),
            Endpoint(verb="cancel", body=TaskRef, handler=self._cancel, permission=None),
            Endpoint(verb="requeue", body=TaskRef, handler=self._requeue, permission=auth.Permission.TASKS_ASSIGN),
            Endpoint(verb="explain", body=TaskRef, handler=self._explain, permission=None),
        )
        status = Endpoint(verb="status", body=NoReply, handler=self._status, permission=auth.Permission.AGENTS_VIEW)
        redeem = Endpoint(verb="redeem", body=RedeemTicket, handler=self._redeem, permission=None)
        for name, endpoints in (
            (subjects.SERVICE_TASKS, tasks),
            (subjects.SERVICE_QUEUE, (status,)),
            (subjects.SERVICE_KEYS, (redeem,)),
        ):
            service = Service(name=name, version="1.0.0", description="scripted", endpoints=endpoints)
            self._leading.push_async_callback((await self.bus.serve(service)).close)

    async def resign(self) -> None:
        """Nobody answers any more."""
        await self._leading.aclose()

    async def agent(self, record: AgentRecord) -> None:
        self.agents[record.agent_id] = record
        await self.bus.put(subjects.KV_AGENTS, record.agent_id, record)

    async def heartbeat(
        self, agent_id: str, running: tuple[UUID, ...] = (), models: tuple[ModelInfo, ...] | None = None
    ) -> None:
        record = self.agents[agent_id]
        beat = Heartbeat(
            agent_id=agent_id,
            instance="scripted",
            sequence=1,
            status=record.status,
            slots=record.slots,
            running=running,
            models=models,
        )
        await self.bus.publish(subjects.heartbeat(agent_id), beat)

    async def metrics(self, metrics: PerformanceMetrics) -> None:
        await self.bus.publish(subjects.metrics(metrics.agent_id), metrics)

    async def key(self, claims: Claims) -> str:
        """A new API key, as the coordinator puts it on the bus."""
        secret = auth.new_key()
        await self.bus.put(subjects.KV_KEYS, auth.hash_key(secret), claims.model_copy(update={"key_id": uuid4()}))
        return secret

    async def revoke(self, secret: str) -> None:
        await self.bus.delete(subjects.KV_KEYS, auth.hash_key(secret))

    async def add_noise(self) -> None:
        """Any change: pages hear of it."""
        await self.add(TaskRequest(prompt="Hum."))

    async def add(self, request: TaskRequest, owner: str = "ada", created_at: datetime | None = None) -> TaskRecord:
        """A task of somebody else's, queued."""
        record = TaskRecord(
            id=uuid4(),
            owner=owner,
            status=TaskStatus.QUEUED,
            created_at=created_at or datetime.now(UTC),
            position=1,
            **request.model_dump(exclude={"messages"}),
        )
        await self._become(record, created_at)
        return record

    async def assign(self, task_id: UUID, agent_id: str, started_at: datetime | None = None) -> AttemptRecord:
        """The next attempt begins on this agent."""
        attempt = await self.offer(task_id, agent_id, started_at)
        await self.begin(task_id, started_at)
        return attempt

    async def offer(self, task_id: UUID, agent_id: str, started_at: datetime | None = None) -> AttemptRecord:
        """The next attempt is on this agent, and nobody has heard yet that it has begun."""
        task, now = self.tasks[task_id], started_at or datetime.now(UTC)
        attempt = AttemptRecord(
            id=uuid4(),
            number=len(task.attempts) + 1,
            agent_id=agent_id,
            model=task.model or "smollm2:135m",
            status=AttemptStatus.RUNNING,
            offered_at=now,
            started_at=now,
        )
        update = {"assigned_agent_id": agent_id, "attempts": (*task.attempts, attempt), "position": None}
        await self._become(task.model_copy(update={**update, "status": TaskStatus.ASSIGNED}), now)
        return attempt

    async def begin(self, task_id: UUID, started_at: datetime | None = None) -> None:
        now = started_at or datetime.now(UTC)
        await self._become(self.tasks[task_id].model_copy(update={"status": TaskStatus.RUNNING, "started_at": now}), now)

    async def write(self, task_id: UUID, text: str, offset: int) -> None:
        """A delta of the running attempt."""
        attempt = self.tasks[task_id].attempts[-1]
        chunk = OutputChunk(number=attempt.number, offset=offset, text=text)
        await self.bus.publish(subjects.output(attempt.agent_id, task_id, attempt.id), chunk)

    async def complete(self, task_id: UUID, text: str, ended_at: datetime | None = None, tokens: int | None = None) -> None:
        count = tokens or len(text.split())
        update = {
            "output": Output(text=text, finish_reason="stop"),
            "usage": Usage(prompt_tokens=12, completion_tokens=count),
            "timings": Timings(
                queue_seconds=0.02, load_seconds=0.4, time_to_first_token_seconds=0.31, generation_tokens_per_second=41.5
            ),
        }
        await self._end(task_id, TaskStatus.COMPLETED, AttemptStatus.COMPLETED, OutcomeStatus.COMPLETED, ended_at, update)

    async def fail(self, task_id: UUID, error: FailureInfo, ended_at: datetime | None = None) -> None:
        await self._end(task_id, TaskStatus.FAILED, AttemptStatus.FAILED, OutcomeStatus.FAILED, ended_at, {"error": error})

    async def _end(
        self,
        task_id: UUID,
        status: TaskStatus,
        attempt_status: AttemptStatus,
        outcome: OutcomeStatus,
        ended_at: datetime | None,
        update: Mapping[str, object],
    ) -> None:
        task, now = self.tasks[task_id], ended_at or datetime.now(UTC)
        *before, last = task.attempts
        ended = last.model_copy(update={"status": attempt_status, "ended_at": now, "error": update.get("error")})
        update = {**update, "status": status, "completed_at": now, "attempts": (*before, ended)}
        await self._become(task.model_copy(update=update), now)
        await self.bus.publish(
            subjects.output(last.agent_id, task_id, last.id), OutputChunk(number=last.number, offset=10**6, end=outcome)
        )

    async def _become(self, task: TaskRecord, when: datetime | None = None) -> TaskRecord:
        self.tasks[task.id] = task
        attempt = len(task.attempts)
        change = TaskChange(
            task_id=task.id,
            status=task.status,
            rank=1000 * attempt + _ORDER.index(task.status),
            priority=task.priority,
            title=task.title,
            model=task.model,
            owner=task.owner,
            agent_id=task.assigned_agent_id,
            attempt=attempt,
            usage=task.usage,
            timings=task.timings,
            error=task.error,
        )
        event_type = _EVENTS[task.status]
        event = HiveEvent[TaskChange](
            id=f"{task.id}-{change.rank}", type=event_type, source="scripted", timestamp=when or datetime.now(UTC), data=change
        )
        await self.bus.publish(subjects.event("default", event_type, task.id), event)
        return task

    async def _submit(self, call: Call[TaskRequest]) -> TaskRecord:
        record = await self.add(call.body, call.claims.sub)
        self.submitted.put_nowait(record)
        return record

    async def _get(self, call: Call[TaskRef]) -> TaskRecord:
        task = self.tasks.get(call.body.id)
        if task is None:
            raise TaskNotFound("There is no such task. It may have been deleted.")
        auth.require(call.claims, auth.Permission.TASKS_VIEW, owner=task.owner)
        return task

    async def _list(self, call: Call[ListTasks]) -> TaskList:
        found = [task for task in self.tasks.values() if not call.body.status or task.status in call.body.status]
        found.sort(key=lambda task: task.created_at, reverse=True)
        return TaskList(
            tasks=tuple(task.model_copy(update={"prompt": None, "output": None}) for task in found[: call.body.limit])
        )

    async def _cancel(self, call: Call[TaskRef]) -> TaskRecord:
        task = await self._get(call)
        if task.status.terminal:
            raise AlreadyEnded("The task has ended already, so there is nothing to cancel.")
        update = {"status": TaskStatus.CANCELLED, "completed_at": datetime.now(UTC), "position": None}
        return await self._become(task.model_copy(update=update))

    async def _requeue(self, call: Call[TaskRef]) -> TaskRecord:
        task = await self._get(call)
        update = {
            "status": TaskStatus.QUEUED,
            "error": None,
            "completed_at": None,
            "started_at": None,
            "assigned_agent_id": None,
        }
        return await self._become(task.model_copy(update=update))

    async def _explain(self, call: Call[TaskRef]) -> Explanation:
        rows = tuple(
            AgentRow(agent_id=agent.agent_id, able=False, reason=f"{agent.status}, no free slot")
            for agent in self.agents.values()
        )
        return Explanation(agents=rows, choice=None, reason="Every agent that has the model is busy.")

    async def _status(self, _call: Call[NoReply]) -> ClusterStatus:
        running = sum(task.status in (TaskStatus.ASSIGNED, TaskStatus.RUNNING) for task in self.tasks.values())
        slots = sum(agent.slots for agent in self.agents.values() if agent.status != "offline")
        return ClusterStatus(
            version="0.1.0",
            leader="scripted",
            queue=self.queue,
            tasks={"running": running},
            slots=slots,
            slots_free=max(0, slots - running),
            updated_at=datetime.now(UTC),
        )

    async def _redeem(self, call: Call[RedeemTicket]) -> Claims:
        claims = self.tickets.pop(call.body.ticket, None)
        if claims is None:
            raise Unauthenticated("This login link was used already or is too old. Print a new one with `hive login`.")
        return claims


def ago(**parts: float) -> datetime:
    return datetime.now(UTC) - timedelta(**parts)
