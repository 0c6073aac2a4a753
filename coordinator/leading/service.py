"""The leader's verbs: what only the one who decides can do or tell. Registered for the term and no longer."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from bus import auth, subjects
from bus.auth import Permission
from bus.errors import AgentNotFound, NoLeader
from bus.messages import (
    AgentRecord,
    AgentRef,
    AgentRegistration,
    AssignTask,
    Claims,
    ClusterStatus,
    Explanation,
    NoReply,
    PrioritizeTask,
    QueuePlaces,
    TaskIds,
    TaskRecord,
    TaskRef,
    TaskRequest,
)
from bus.messages.benchmarks import AgentBenchmark, BenchmarkAgent
from bus.messages.joining import CreateJoinToken, JoinHive, JoinTokenRef, ListJoinTokens
from bus.messages.maintenance import MaintenanceRef, MaintenanceWindow, PlanMaintenance
from bus.messages.orders import DrainAgent, LabelAgent
from bus.service import Call, Endpoint, Service
from bus.tenancy import knows, person
from coordinator.endpoints import service, verb
from coordinator.leading.inputs import AssignAsked, CancelAsked, Input, PriorityAsked, RequeueAsked
from coordinator.leading.term import Term
from coordinator.reading.tasks import Reads
from coordinator.scheduling.choice import Ask
from coordinator.scheduling.explaining import explain
from coordinator.scheduling.places import Places
from coordinator.scheduling.shapes import Shape
from coordinator.scheduling.sizes import size_of
from coordinator.tasks import Task, session_hash

LEADER: Final = "leader"
"""The part of a service that only the one who leads has; the rest of it any coordinator tells (reads.py)."""
DECISION_SECONDS: Final = 10.0


class LeaderService:
    def __init__(self, term: Term, reads: Reads) -> None:
        self._term, self._reads, self._state = term, reads, term.state
        self._places = Places(self._state.queue, self._state.scheduler)
        self._undecided: set[asyncio.Future[None]] = set()

    def services(self) -> tuple[Service, ...]:
        return (
            service(subjects.SERVICE_TASKS, "Decisions about tasks", *self._task_verbs(), part=LEADER),
            service(subjects.SERVICE_QUEUE, "The queue as its leader sees it", *self._queue_verbs()),
            service(subjects.SERVICE_AGENTS, "Registration of agents", *self._agent_verbs(), part=LEADER),
            service(subjects.SERVICE_MAINTENANCE, "Windows of maintenance", *self._maintenance_verbs(), part=LEADER),
            service(subjects.SERVICE_JOIN_TOKENS, "Tokens by which hosts join", *self._joining_verbs()),
        )

    def _task_verbs(self) -> tuple[Endpoint, ...]:
        may = Permission
        return (
            verb("cancel", TaskRef, self._cancel, None, "End a task"),
            verb("requeue", TaskRef, self._requeue, may.TASKS_ASSIGN, "Try a failed task again"),
            verb("assign", AssignTask, self._assign, may.TASKS_ASSIGN, "Give a waiting task to an agent"),
            verb("prioritize", PrioritizeTask, self._prioritize, None, "Give a waiting task another priority"),
            verb("explain", TaskRef, self._explain, None, "Why there, or why not"),
            verb("preview", TaskRequest, self._preview, may.TASKS_CREATE, "Where a task would run now"),
        )

    def _queue_verbs(self) -> tuple[Endpoint, ...]:
        return (
            verb("status", NoReply, self._status, Permission.AGENTS_VIEW, "The hive in numbers"),
            verb("positions", TaskIds, self._positions, Permission.TASKS_VIEW, "Places in the queue, and what put tasks back"),
        )

    def _agent_verbs(self) -> tuple[Endpoint, ...]:
        manage = Permission.AGENTS_MANAGE
        return (
            verb("register", AgentRegistration, self._register, manage, "A sidecar introduces itself", by_agent=True),
            verb("remove", AgentRef, self._remove, manage, "Forget an agent"),
            verb("drain", DrainAgent, self._drain, manage, "Give an agent nothing more"),
            verb("resume", AgentRef, self._resume, manage, "Give a drained agent work again"),
            verb("label", LabelAgent, self._label, manage, "Give an agent labels, or take them back"),
            verb("benchmark", BenchmarkAgent, self._benchmark, manage, "Measure how fast an agent is"),
            verb("benchmarked", AgentBenchmark, self._benchmarked, manage, "A step, or the end, of one", by_agent=True),
        )

    def _maintenance_verbs(self) -> tuple[Endpoint, ...]:
        manage = Permission.AGENTS_MANAGE
        return (
            verb("plan", PlanMaintenance, self._plan, manage, "Have agents rest for a while"),
            verb("cancel", MaintenanceRef, self._cancel_window, manage, "End a window, or have it not begin"),
        )

    def _joining_verbs(self) -> tuple[Endpoint, ...]:
        manage, joining = Permission.AGENTS_MANAGE, self._term.joining
        return (
            verb("create", CreateJoinToken, lambda call: joining.create(call.body, call.claims.sub), manage, "A new token"),
            verb("list", ListJoinTokens, lambda call: joining.list(call.body), manage, "Tokens, newest first, no secret"),
            verb(
                "revoke", JoinTokenRef, lambda call: joining.revoke(call.body, call.claims.sub), manage, "End a token at once"
            ),
            verb("redeem", JoinHive, lambda call: joining.redeem(call.body), None, "A host joins; the token is its right to"),
        )

    async def _plan(self, call: Call[PlanMaintenance]) -> MaintenanceWindow:
        return await self._term.windows.plan(call.body, call.claims.sub)

    async def _cancel_window(self, call: Call[MaintenanceRef]) -> MaintenanceWindow:
        return await self._term.windows.cancel(call.body)

    async def _decide(self, make: Callable[["asyncio.Future[None]"], Input]) -> None:
        """Waits for the turn's commit. NoLeader when the term ends before, or the record takes its time."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._undecided.add(done)
        done.add_done_callback(self._undecided.discard)
        self._term.put(make(done))
        try:
            async with asyncio.timeout(DECISION_SECONDS):
                await done
        except TimeoutError:
            raise _undecided() from None

    def give_up(self) -> None:
        """The term is over: what it has not decided, nobody will."""
        for done in list(self._undecided):
            if not done.done():
                done.set_exception(_undecided())

    async def _cancel(self, call: Call[TaskRef]) -> TaskRecord:
        task_id = call.body.id
        record = await self._reads.find(task_id, call.claims)
        auth.require(call.claims, Permission.TASKS_CANCEL, owner=record.owner)
        await self.cancel(task_id)
        return await self._reads.find(task_id, call.claims)

    async def cancel(self, task_id: UUID) -> None:
        """Returns when it is committed. AlreadyEnded, TaskNotFound, NoLeader."""
        await self._decide(lambda done: CancelAsked(task_id, done))

    async def _requeue(self, call: Call[TaskRef]) -> TaskRecord:
        await self._reads.find(call.body.id, call.claims)
        await self._decide(lambda done: RequeueAsked(call.body.id, done))
        return await self._reads.find(call.body.id, call.claims)

    async def _assign(self, call: Call[AssignTask]) -> TaskRecord:
        await self._reads.find(call.body.id, call.claims)
        await self._decide(lambda done: AssignAsked(call.body.id, call.body.agent_id, done))
        return await self._reads.find(call.body.id, call.claims)

    async def _prioritize(self, call: Call[PrioritizeTask]) -> TaskRecord:
        record = await self._reads.find(call.body.id, call.claims)
        auth.require(call.claims, Permission.TASKS_PRIORITIZE, owner=record.owner)
        await self._decide(lambda done: PriorityAsked(call.body.id, call.body.priority, done))
        return await self._reads.find(call.body.id, call.claims)

    async def _explain(self, call: Call[TaskRef]) -> Explanation:
        record = await self._reads.find(call.body.id, call.claims)
        auth.require(call.claims, Permission.TASKS_VIEW, owner=record.owner)
        task = self._state.queue.get(record.id) or self._state.live.get(record.id)
        clock = self._term.clock.seconds
        ask = self._state.scheduler.ask(self._state.queue, task, clock) if task else Ask(Shape.of(record.model, record.require))
        table = explain(ask, self._state.scheduler.fleet(list(self._state.registry), clock))
        if record.status.terminal:
            reason = f"it has ended: {record.status}; the table is as things stand now"
            return table.model_copy(update={"choice": record.assigned_agent_id, "reason": reason})
        if record.assigned_agent_id is not None and record.id not in self._state.queue:
            reason = f"{record.status}: {record.assigned_agent_id} was chosen; the table is as things stand now"
            return table.model_copy(update={"choice": record.assigned_agent_id, "reason": reason})
        return table

    async def _preview(self, call: Call[TaskRequest]) -> Explanation:
        clock = self._term.clock.seconds
        task = _would_be(call.body, call.claims, self._state.now())
        ask = self._state.scheduler.ask(self._state.queue, task, clock)
        return explain(ask, self._state.scheduler.fleet(list(self._state.registry), clock))

    async def _status(self, _call: Call[NoReply]) -> ClusterStatus:
        return self._term.status()

    async def _positions(self, call: Call[TaskIds]) -> QueuePlaces:
        agents, clock = list(self._state.registry), self._term.clock.seconds
        waiting = ((task_id, self._state.queue.get(task_id)) for task_id in call.body.ids)
        known = tuple(task_id for task_id, task in waiting if task is not None and knows(call.claims, task.tenant))
        return QueuePlaces(places=self._places.of(known, agents, clock, self._state.now()))

    async def _remove(self, call: Call[AgentRef]) -> NoReply:
        """A host that came by its own key is cut off first; another must be silent before."""
        joining = self._term.joining
        forgotten = joining.cuts_off and await joining.forget(call.body)
        if joining.cuts_off:  # also where it was forgotten before, and whoever asked then was told of a failure
            self._term.presence.cut_off(await joining.removed())
        try:
            await self._term.presence.remove(call.body)
        except AgentNotFound:
            if not forgotten and not await joining.forget(call.body):  # else a host whose sidecar never came
                raise
            return NoReply()
        await joining.forget(call.body)
        return NoReply()

    async def _drain(self, call: Call[DrainAgent]) -> AgentRecord:
        return await self._term.ordering.drain(call.body, call.claims.sub)

    async def _resume(self, call: Call[AgentRef]) -> AgentRecord:
        return await self._term.ordering.resume(call.body)

    async def _label(self, call: Call[LabelAgent]) -> AgentRecord:
        return await self._term.ordering.label(call.body)

    async def _benchmark(self, call: Call[BenchmarkAgent]) -> AgentBenchmark:
        return await self._term.benchmarks.ask(call.body)

    async def _benchmarked(self, call: Call[AgentBenchmark]) -> NoReply:
        await self._term.benchmarks.report(call.body)
        return NoReply()

    async def _register(self, call: Call[AgentRegistration]) -> NoReply:
        await self._term.joining.refuse_removed(call.body.agent_id)
        await self._term.presence.register(call.body)
        return NoReply()


def _would_be(request: TaskRequest, claims: Claims, now: datetime) -> Task:
    """The task that a request would become."""
    return Task(
        id=uuid4(),
        tenant=claims.tenant,
        owner=claims.sub,
        priority=request.priority,
        sequence=0,
        created_at=now,
        model=request.model,
        require=request.require,
        size=size_of(request),
        session=session_hash(person(claims.tenant, claims.sub), request.session),
    )


def _undecided() -> NoLeader:
    return NoLeader("The coordinator stopped leading before it could decide. Try again.", retry_after_seconds=1)
