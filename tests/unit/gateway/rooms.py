"""The rooms that the gateway asks, as far as its doors can tell: they answer the verbs on a bus in memory.

tests/integration/gateway/ puts the real ones in their place.
"""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from bus import auth, subjects
from bus.auth import Permission
from bus.client import Bus, Received
from bus.errors import AgentNotFound, AlreadyEnded, DatabaseUnavailable, NotFound, TaskNotFound
from bus.messages import (
    AddUpstream,
    AgentRecord,
    AgentRef,
    AgentRow,
    AgentStatus,
    AssignTask,
    AttemptRecord,
    AttemptStatus,
    Claims,
    ClusterPerformance,
    ClusterStatus,
    CreateKey,
    EventType,
    Explanation,
    IssuedKey,
    KeyList,
    KeyRecord,
    KeyRef,
    ListTasks,
    ModelInfo,
    NoReply,
    OutcomeStatus,
    Output,
    OutputChunk,
    PrioritizeTask,
    QueuePlaces,
    TaskChange,
    TaskEvent,
    TaskIds,
    TaskList,
    TaskRecord,
    TaskRef,
    TaskRequest,
    TaskStatus,
    Upstream,
    Usage,
)
from bus.messages.benchmarks import (
    AgentBenchmark,
    BenchmarkAgent,
    BenchmarkList,
    BenchmarkStatus,
    BenchmarkTrigger,
    ListBenchmarks,
)
from bus.messages.health import AgentHealth, AgentHealthCheck, ListHealth
from bus.messages.history import ListMetrics, MetricsHistory, MetricsPoint, Spread
from bus.messages.maintenance import (
    ListMaintenance,
    MaintenanceList,
    MaintenancePhase,
    MaintenanceRef,
    MaintenanceWindow,
    PlanMaintenance,
)
from bus.messages.orders import DrainAgent, LabelAgent, StandingDrain
from bus.messages.places import QueuePlace
from bus.messages.readings import MonitorReadings, ServiceVitals, StoreReadings, WorkflowsCreated
from bus.messages.tasks import SubmittedTask
from bus.messages.workflows import WorkflowTools
from bus.overview import CLUSTER
from bus.service import Call, Endpoint, Service
from bus.submit import accepted

ATTEMPT = UUID("11111111-1111-4111-8111-111111111111")
KEY_ID = UUID("22222222-2222-4222-8222-222222222222")
ACACIA = AgentRecord(
    agent_id="acacia",
    name="ACACIA",
    endpoint="http://192.168.1.72:11434",
    status=AgentStatus.ONLINE,
    models=(ModelInfo(name="llama3.2:3b"),),
)


class Rooms:
    """Holds tasks as they were submitted; `finish` ends one, with its event and output."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.tasks: dict[UUID, TaskRecord] = {}
        self.hashes: dict[UUID, str | None] = {}
        self.asked: list[Call[ListTasks]] = []
        self.places: dict[UUID, QueuePlace] = {}
        self.placed: list[tuple[UUID, ...]] = []
        """Which tasks' places were asked for, by question."""
        self.looks = 0
        """How often a record was asked for."""
        self.away = False
        """Whether nobody can tell of a task."""

    async def start(self) -> None:
        await self.bus.put(subjects.KV_AGENTS, ACACIA.agent_id, ACACIA)
        await self.say()
        for model in ("llama3.2:3b", "qwen3:8b"):
            await self.bus.put(subjects.KV_MODELS, subjects.model_key(model), model.encode())
        await self.bus.subscribe(subjects.submits_of_task("*"), self._take)
        for name, endpoints in self._endpoints().items():
            await self.bus.serve(Service(name=name, version="0", description="", endpoints=endpoints))

    async def say(self) -> None:
        """As a leader does, once a second."""
        await self.bus.put(subjects.KV_STATUS, CLUSTER, _numbers())

    def _endpoints(self) -> dict[str, tuple[Endpoint, ...]]:
        return {
            subjects.SERVICE_TASKS: (
                Endpoint(verb="get", body=TaskRef, handler=self._get, permission=None),
                Endpoint(verb="submitted", body=TaskRef, handler=self._submitted, permission=None),
                Endpoint(verb="list", body=ListTasks, handler=self._list, permission=None),
                Endpoint(verb="cancel", body=TaskRef, handler=self._cancel, permission=None),
                Endpoint(verb="requeue", body=TaskRef, handler=self._get, permission=Permission.TASKS_ASSIGN),
                Endpoint(verb="assign", body=AssignTask, handler=self._assign, permission=Permission.TASKS_ASSIGN),
                Endpoint(verb="prioritize", body=PrioritizeTask, handler=self._prioritize, permission=None),
                Endpoint(verb="explain", body=TaskRef, handler=self._explain, permission=None),
                Endpoint(verb="preview", body=TaskRequest, handler=self._explain, permission=Permission.TASKS_CREATE),
            ),
            subjects.SERVICE_QUEUE: (
                Endpoint(verb="status", body=NoReply, handler=self._status, permission=Permission.AGENTS_VIEW),
                Endpoint(verb="positions", body=TaskIds, handler=self._positions, permission=Permission.TASKS_VIEW),
            ),
            subjects.SERVICE_AGENTS: (
                Endpoint(verb="drain", body=DrainAgent, handler=self._drain, permission=Permission.AGENTS_MANAGE),
                Endpoint(verb="resume", body=AgentRef, handler=self._agent, permission=Permission.AGENTS_MANAGE),
                Endpoint(verb="label", body=LabelAgent, handler=self._label, permission=Permission.AGENTS_MANAGE),
                Endpoint(verb="benchmark", body=BenchmarkAgent, handler=self._benchmark, permission=Permission.AGENTS_MANAGE),
                Endpoint(verb="benchmarks", body=ListBenchmarks, handler=self._benchmarks, permission=Permission.AGENTS_VIEW),
                Endpoint(verb="health", body=ListHealth, handler=self._health, permission=Permission.AGENTS_VIEW),
                Endpoint(verb="remove", body=AgentRef, handler=self._agent, permission=Permission.AGENTS_MANAGE),
            ),
            subjects.SERVICE_MAINTENANCE: (
                Endpoint(verb="plan", body=PlanMaintenance, handler=self._plan, permission=Permission.AGENTS_MANAGE),
                Endpoint(verb="list", body=ListMaintenance, handler=self._windows, permission=Permission.AGENTS_VIEW),
                Endpoint(verb="cancel", body=MaintenanceRef, handler=self._cancel_window, permission=Permission.AGENTS_MANAGE),
            ),
            subjects.SERVICE_KEYS: (
                Endpoint(verb="create", body=CreateKey, handler=self._issue, permission=Permission.KEYS_MANAGE),
                Endpoint(verb="list", body=NoReply, handler=self._keys, permission=Permission.KEYS_MANAGE),
                Endpoint(verb="revoke", body=KeyRef, handler=self._revoke, permission=Permission.KEYS_MANAGE),
            ),
            subjects.SERVICE_UPSTREAMS: (
                Endpoint(verb="add", body=AddUpstream, handler=self._echo, permission=Permission.AGENTS_MANAGE),
            ),
            subjects.SERVICE_WORKFLOWS: (
                Endpoint(verb="tools", body=NoReply, handler=self._tools, permission=Permission.EXECUTIONS_START),
                Endpoint(verb="created", body=NoReply, handler=self._created, permission=Permission.METRICS_VIEW),
            ),
            subjects.SERVICE_METRICS: (
                Endpoint(verb="performance", body=NoReply, handler=self._performance, permission=Permission.METRICS_VIEW),
                Endpoint(verb="history", body=ListMetrics, handler=self._metrics, permission=Permission.METRICS_VIEW),
                Endpoint(verb="readings", body=NoReply, handler=self._readings, permission=Permission.METRICS_VIEW),
            ),
            subjects.SERVICE_STATUS: (
                Endpoint(verb="stores", body=NoReply, handler=self._stores, permission=Permission.METRICS_VIEW),
            ),
        }

    async def _take(self, received: Received) -> None:
        tenant, _, task_id = subjects.parse_submit(received.subject)
        owner = Claims(sub=received.headers[subjects.HEADER_OWNER], roles=(), tenant=tenant)
        self.hashes.setdefault(UUID(task_id), received.headers.get(subjects.HEADER_BODY_HASH))
        self.tasks.setdefault(UUID(task_id), accepted(UUID(task_id), received.decode(TaskRequest), owner, datetime.now(UTC)))

    async def speak(self, task_id: UUID, text: str, *, offset: int = 0) -> None:
        self._begin(task_id)
        chunk = OutputChunk(number=1, offset=offset, text=text)
        await self.bus.publish(subjects.output("acacia", task_id, ATTEMPT), chunk)

    async def finish(self, task_id: UUID, text: str = "Hello.", *, announce: bool = True) -> None:
        """Complete the task: the record first, then the event and the end of the output, as the coordinator does."""
        ended = {
            "status": TaskStatus.COMPLETED,
            "completed_at": datetime.now(UTC),
            "output": Output(text=text),
            "usage": Usage(prompt_tokens=3, completion_tokens=2),
        }
        self._begin(task_id)
        self.tasks[task_id] = self.tasks[task_id].model_copy(update=ended)
        if announce:
            await self.announce(task_id)
            end = OutputChunk(number=1, offset=len(text), end=OutcomeStatus.COMPLETED)
            await self.bus.publish(subjects.output("acacia", task_id, ATTEMPT), end)

    async def announce(self, task_id: UUID) -> None:
        """The event that it completed."""
        record = self.tasks[task_id]
        change = TaskChange(
            task_id=task_id, status=TaskStatus.COMPLETED, rank=1100, priority=record.priority, owner=record.owner
        )
        event = TaskEvent(
            id=f"{task_id}.1100",
            type=EventType.TASK_COMPLETED,
            source="coordinator",
            timestamp=datetime.now(UTC),
            data=change,
        )
        await self.bus.publish(subjects.event(record.tenant, EventType.TASK_COMPLETED, task_id), event)

    def _begin(self, task_id: UUID) -> None:
        """An attempt is in the record before it can say a word."""
        now, running = datetime.now(UTC), AttemptStatus.RUNNING
        attempt = AttemptRecord(id=ATTEMPT, number=1, agent_id="acacia", model="llama3.2:3b", status=running, offered_at=now)
        self.tasks[task_id] = self.tasks[task_id].model_copy(update={"attempts": (attempt,)})

    async def _get(self, call: Call[TaskRef]) -> TaskRecord:
        self.looks += 1
        if self.away:
            raise DatabaseUnavailable("PostgreSQL does not answer.", retry_after_seconds=1)
        record = self.tasks.get(call.body.id)
        if record is None:
            raise TaskNotFound(f"There is no task {call.body.id}.")
        auth.require(call.claims, Permission.TASKS_VIEW, owner=record.owner)
        return record

    def wait_at(self, task_id: UUID, place: QueuePlace) -> None:
        """The task waits there, as the record tells it too."""
        self.places[task_id] = place
        self.tasks[task_id] = self.tasks[task_id].model_copy(update=dict(place))

    async def _positions(self, call: Call[TaskIds]) -> QueuePlaces:
        self.placed.append(call.body.ids)
        return QueuePlaces(places={task_id: self.places[task_id] for task_id in call.body.ids if task_id in self.places})

    async def _submitted(self, call: Call[TaskRef]) -> SubmittedTask:
        return SubmittedTask(record=await self._get(call), body_hash=self.hashes[call.body.id])

    async def _list(self, call: Call[ListTasks]) -> TaskList:
        self.asked.append(call)
        return TaskList(tasks=tuple(self.tasks.values()), next_cursor="more")

    async def _cancel(self, call: Call[TaskRef]) -> TaskRecord:
        record = await self._get(call)
        if record.status.terminal:
            raise AlreadyEnded(f"Task {record.id} has ended already: {record.status}.")
        self.tasks[record.id] = record.model_copy(update={"status": TaskStatus.CANCELLED})
        return self.tasks[record.id]

    async def _prioritize(self, call: Call[PrioritizeTask]) -> TaskRecord:
        task = self.tasks[call.body.id]
        auth.require(call.claims, Permission.TASKS_PRIORITIZE, owner=task.owner)
        return task.model_copy(update={"priority": call.body.priority})

    async def _assign(self, call: Call[AssignTask]) -> TaskRecord:
        return self.tasks[call.body.id].model_copy(update={"assigned_agent_id": call.body.agent_id})

    async def _explain(self, call: Call[TaskRequest]) -> Explanation:
        row = AgentRow(agent_id="acacia", able=True, reason="warm", predicted_seconds=0.5)
        return Explanation(agents=(row,), choice="acacia", reason="least wait")

    async def _status(self, call: Call[NoReply]) -> ClusterStatus:
        return _numbers()

    async def _agent(self, call: Call[AgentRef]) -> AgentRecord:
        if call.body.agent_id != ACACIA.agent_id:
            raise AgentNotFound(f"There is no agent {call.body.agent_id}.")
        return ACACIA

    async def _drain(self, call: Call[DrainAgent]) -> AgentRecord:
        drain = StandingDrain(since=datetime.now(UTC), by=call.claims.sub, reason=call.body.reason)
        return ACACIA.model_copy(update={"status": AgentStatus.DRAINING, "drain": drain})

    async def _label(self, call: Call[LabelAgent]) -> AgentRecord:
        """It had `site` before."""
        known = {} if call.body.replace else {"site": "basement"}
        labels = {name: value for name, value in (known | call.body.labels).items() if value is not None}
        return ACACIA.model_copy(update={"given_labels": labels})

    async def _plan(self, call: Call[PlanMaintenance]) -> MaintenanceWindow:
        now = datetime.now(UTC)
        known = {"starts_at": call.body.starts_at or now, "created_at": now, "by": call.claims.sub}
        told = call.body.model_dump(exclude={"starts_at"})
        self.window = MaintenanceWindow.model_validate({**told, **known, "id": KEY_ID, "phase": MaintenancePhase.PLANNED})
        return self.window

    async def _windows(self, call: Call[ListMaintenance]) -> MaintenanceList:
        return MaintenanceList(windows=(self.window,) * call.body.limit)

    async def _cancel_window(self, call: Call[MaintenanceRef]) -> MaintenanceWindow:
        if call.body.id != self.window.id:
            raise NotFound(f"There is no window {call.body.id}.")
        return self.window.model_copy(update={"phase": MaintenancePhase.CANCELLED})

    async def _benchmark(self, call: Call[BenchmarkAgent]) -> AgentBenchmark:
        if call.body.agent_id != ACACIA.agent_id:
            raise AgentNotFound(f"There is no agent {call.body.agent_id}.")
        return AgentBenchmark(
            id=KEY_ID,
            agent_id=call.body.agent_id,
            model=call.body.model or "llama3.2:3b",
            trigger=BenchmarkTrigger.REQUEST,
            status=BenchmarkStatus.RUNNING,
            step="reload" if call.body.reload else "",
            started_at=datetime.now(UTC),
        )

    async def _benchmarks(self, call: Call[ListBenchmarks]) -> BenchmarkList:
        one = await self._benchmark(Call(body=BenchmarkAgent(agent_id=call.body.agent_id), claims=call.claims))
        return BenchmarkList(benchmarks=(one,) * call.body.limit)

    async def _health(self, call: Call[ListHealth]) -> AgentHealth:
        """As many checks as were asked for, the newest at `before`."""
        newest = call.body.before or datetime(2026, 11, 23, tzinfo=UTC)
        checks = tuple(
            AgentHealthCheck(agent_id=call.body.agent_id, timestamp=newest - timedelta(seconds=10 * number), available=True)
            for number in range(call.body.limit)
        )
        return AgentHealth(agent_id=call.body.agent_id, last=checks[0], history=checks, next_before=checks[-1].timestamp)

    def _key(self, owner: str) -> KeyRecord:
        return KeyRecord(id=KEY_ID, owner=owner, role="developer", prefix="sk-hive-12", created_at=datetime.now(UTC))

    async def _issue(self, call: Call[CreateKey]) -> IssuedKey:
        return IssuedKey(key=auth.new_key(), record=self._key(call.body.owner))

    async def _keys(self, call: Call[NoReply]) -> KeyList:
        return KeyList(keys=(self._key("anna"),))

    async def _revoke(self, call: Call[KeyRef]) -> KeyRecord:
        return self._key("anna")

    async def _echo(self, call: Call[AddUpstream]) -> Upstream:
        return Upstream.model_validate(call.body.model_dump(exclude={"key"}))

    async def _tools(self, call: Call[NoReply]) -> WorkflowTools:
        return WorkflowTools(tools=())

    async def _performance(self, call: Call[NoReply]) -> ClusterPerformance:
        return ClusterPerformance(agents=(), completed=1, failed=0, cancelled=0, completion_tokens=2, since=datetime.now(UTC))

    async def _metrics(self, call: Call[ListMetrics]) -> MetricsHistory:
        """Of acacia as many points as were asked for, the newest at `before`; of cedar, which was removed, one; of others none."""
        asked = call.body
        number = {"acacia": asked.limit, "cedar": 1}.get(asked.agent_id, 0)
        newest = asked.before or datetime(2026, 11, 23, tzinfo=UTC)
        used = {"cpu_usage": Spread(min=1, mean=2, max=3, n=12)}
        points = tuple(MetricsPoint(timestamp=newest - timedelta(minutes=n), values=used) for n in range(number))
        more = points[-1].timestamp if number > 1 else None
        return MetricsHistory(agent_id=asked.agent_id, resolution=asked.resolution, points=points, next_before=more)

    async def _readings(self, call: Call[NoReply]) -> MonitorReadings:
        gui = ServiceVitals(
            service="gui", instance="5f0c1d2e3a4b", cpu_percent=2.5, memory_bytes=98_304_000, websocket_connections=3
        )
        return MonitorReadings(
            executions={"success": 41, "error": 1}, execution_success_rate=0.975, mean_task_seconds=3.2, services=(gui,)
        )

    async def _stores(self, call: Call[NoReply]) -> StoreReadings:
        return StoreReadings(database_connections={"active": 1, "idle": 9}, redis_memory_bytes=1_048_576)

    async def _created(self, call: Call[NoReply]) -> WorkflowsCreated:
        return WorkflowsCreated(day=date(2026, 11, 23), created=2)


def _numbers() -> ClusterStatus:
    return ClusterStatus(version="0", leader="coordinator-1", queue={"high": 0, "medium": 3}, updated_at=datetime.now(UTC))
