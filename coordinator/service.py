"""The leader's verbs: what only the one who decides can do or tell. Registered for the term and no longer."""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from bus import auth, subjects
from bus.auth import Permission
from bus.errors import NoLeader
from bus.messages import (
    AgentRegistration,
    AssignTask,
    ClusterStatus,
    Explanation,
    NoReply,
    QueuePositions,
    TaskIds,
    TaskRecord,
    TaskRef,
    TaskRequest,
)
from bus.service import Call, Endpoint, Service
from bus.version import hive_version
from coordinator.inputs import AssignAsked, CancelAsked, Input, RequeueAsked
from coordinator.queue import Shape, shape_of
from coordinator.reads import Reads
from coordinator.scheduler import explain
from coordinator.term import Term

DECISION_SECONDS: Final = 10.0


class LeaderService:
    def __init__(self, term: Term, reads: Reads) -> None:
        self._term, self._reads, self._state = term, reads, term.state

    def services(self) -> tuple[Service, ...]:
        tasks = (
            Endpoint(verb="cancel", body=TaskRef, handler=self._cancel, permission=None, description="End a task"),
            Endpoint(
                verb="requeue",
                body=TaskRef,
                handler=self._requeue,
                permission=Permission.TASKS_ASSIGN,
                description="Try a failed task again",
            ),
            Endpoint(
                verb="assign",
                body=AssignTask,
                handler=self._assign,
                permission=Permission.TASKS_ASSIGN,
                description="Give a waiting task to an agent",
            ),
            Endpoint(verb="explain", body=TaskRef, handler=self._explain, permission=None, description="Why there, or why not"),
            Endpoint(
                verb="preview",
                body=TaskRequest,
                handler=self._preview,
                permission=Permission.TASKS_CREATE,
                description="Where a task would run now",
            ),
        )
        queue = (
            Endpoint(
                verb="status", body=NoReply, handler=self._status, permission=Permission.AGENTS_VIEW, description="The hive"
            ),
            Endpoint(
                verb="positions",
                body=TaskIds,
                handler=self._positions,
                permission=Permission.TASKS_VIEW,
                description="Places in the queue",
            ),
        )
        agents = (
            Endpoint(
                verb="register",
                body=AgentRegistration,
                handler=self._register,
                permission=Permission.AGENTS_MANAGE,
                description="A sidecar introduces itself",
            ),
        )
        version = hive_version()
        return (
            Service(name=subjects.SERVICE_TASKS, version=version, description="Decisions about tasks", endpoints=tasks),
            Service(
                name=subjects.SERVICE_QUEUE, version=version, description="The queue as its leader sees it", endpoints=queue
            ),
            Service(name=subjects.SERVICE_AGENTS, version=version, description="Registration of agents", endpoints=agents),
        )

    async def _decide(self, make: Callable[["asyncio.Future[None]"], Input]) -> None:
        """Waits for the turn's commit. NoLeader when the term ends before."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._term.put(make(done))
        try:
            await asyncio.wait_for(done, DECISION_SECONDS)
        except TimeoutError:
            raise NoLeader(
                "The coordinator stopped leading before it could decide. Try again.", retry_after_seconds=1
            ) from None

    async def _cancel(self, call: Call[TaskRef]) -> TaskRecord:
        task_id = call.body.id
        record = await self._reads.find(task_id)
        auth.require(call.claims, Permission.TASKS_CANCEL, owner=record.owner)
        await self._decide(lambda done: CancelAsked(task_id, done))
        return await self._reads.find(task_id)

    async def _requeue(self, call: Call[TaskRef]) -> TaskRecord:
        await self._decide(lambda done: RequeueAsked(call.body.id, done))
        return await self._reads.find(call.body.id)

    async def _assign(self, call: Call[AssignTask]) -> TaskRecord:
        await self._decide(lambda done: AssignAsked(call.body.id, call.body.agent_id, done))
        return await self._reads.find(call.body.id)

    async def _explain(self, call: Call[TaskRef]) -> Explanation:
        record = await self._reads.find(call.body.id)
        auth.require(call.claims, Permission.TASKS_VIEW, owner=record.owner)
        task = self._state.queue.get(record.id) or self._state.live.get(record.id)
        shape = shape_of(task) if task else Shape.of(record.model, record.require)
        table = explain(shape, self._state.registry, self._term.clock.seconds)
        if record.assigned_agent_id is not None and record.id not in self._state.queue:
            reason = f"{record.status}: {record.assigned_agent_id} was chosen; the table is as things stand now"
            return table.model_copy(update={"choice": record.assigned_agent_id, "reason": reason})
        return table

    async def _preview(self, call: Call[TaskRequest]) -> Explanation:
        shape = Shape.of(call.body.model, call.body.require)
        return explain(shape, self._state.registry, self._term.clock.seconds)

    async def _status(self, _call: Call[NoReply]) -> ClusterStatus:
        return self._term.status()

    async def _positions(self, call: Call[TaskIds]) -> QueuePositions:
        found: dict[UUID, Any] = {task_id: self._state.queue.position(task_id) for task_id in call.body.ids}
        return QueuePositions(positions={task_id: place for task_id, place in found.items() if place is not None})

    async def _register(self, call: Call[AgentRegistration]) -> NoReply:
        await self._term.presence.register(call.body)
        return NoReply()
