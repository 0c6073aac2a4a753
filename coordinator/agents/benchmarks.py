"""Has agents measured: those that are new while they have nothing to do, and others when asked. Keeps what comes of it.

A benchmark takes all slots of its agent, and gives way as soon as a task waits that the agent could have (`give_way`).
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import AgentNotFound, Conflict, HiveError, ModelNotOnAgent
from bus.messages import AgentStatus, Control, ControlAction, ControlReply
from bus.messages.benchmarks import AgentBenchmark, BenchmarkAgent, BenchmarkOrder, BenchmarkStatus, BenchmarkTrigger
from bus.together import end
from coordinator.agents.agent import Agent
from coordinator.agents.idleness import Idleness, hardware_of, new_model, wanted
from coordinator.agents.registry import SILENCE_SECONDS
from coordinator.leading.clock import Clock
from coordinator.leading.facts import Fact, benchmark_fact
from coordinator.leading.inputs import Input, Tick
from coordinator.leading.state import State
from coordinator.scheduling.speed import Speed
from coordinator.store.database import AWAY, Statements, available

logger = telemetry.log(__name__)

LOOK_SECONDS: Final = 1.0
ORDER_SECONDS: Final = 3.0
MOST_SECONDS: Final = 600.0
"""Twice what a sidecar gives itself: who is not heard of by then will not be."""
FORGIVEN_SECONDS: Final = 86_400.0
"""A benchmark that failed is tried again by itself after a day."""


class Benchmarks:
    """`run` for the term. `idle_seconds` None: only what is asked for is measured."""

    def __init__(
        self,
        bus: Bus,
        state: State,
        statements: Statements,
        clock: Clock,
        put: Callable[[Input], None],
        tell: Callable[[list[Fact]], None],
        idle_seconds: float | None,
    ) -> None:
        self._bus, self._state, self._sql, self._clock, self._put, self._tell = bus, state, statements, clock, put, tell
        self._idle = Idleness(idle_seconds)
        self._measured: set[tuple[str, str, str]] = set()
        """Agent, model and hardware."""
        self._running: dict[str, AgentBenchmark] = {}
        """By agent."""
        self._yielding: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        await self._load()
        while True:
            try:
                await self._end_abandoned()
                await self._begin_due()
            except HiveError as error:
                logger.info("benchmark_waits", reason=error.message)
            except (asyncpg.PostgresError, *AWAY) as error:
                logger.warning("benchmark_waits", reason=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        await end(list(self._yielding.values()))

    async def _load(self) -> None:
        for row in await self._sql.all("measured_models", FORGIVEN_SECONDS):
            self._measured.add((row["slug"], row["model"], row["hardware"]))
        for row in await self._sql.all("running_benchmarks"):
            record = AgentBenchmark.model_validate_json(row["record"])
            self._running[record.agent_id] = record

    # Beginning

    async def ask(self, wish: BenchmarkAgent) -> AgentBenchmark:
        """The verb `agents.benchmark`. Conflict while the agent works, is measured, or cannot be."""
        agent = self._state.registry.agents.get(wish.agent_id)
        if agent is None:
            raise AgentNotFound(f"There is no agent {wish.agent_id}. `hive agents` lists them.")
        model = agent.model(wish.model)
        if model is None:
            raise ModelNotOnAgent(
                f"{agent.agent_id} does not have {wish.model or 'any model'}. `hive agents` shows what it has."
            )
        if agent.status not in (AgentStatus.ONLINE, AgentStatus.DRAINING):
            raise Conflict(f"{agent.agent_id} is {agent.status}: {agent.reason}. It can be measured when it is online.")
        if agent.attempts:
            raise Conflict(
                f"{agent.agent_id} works on {len(agent.attempts)} attempts, which would be measured too. "
                f"Wait for their end, or `hive agents drain {agent.agent_id}` first."
            )
        return await self._begin(agent, model.name, BenchmarkTrigger.REQUEST, reload=wish.reload)

    async def _begin_due(self) -> None:
        for agent in self._idle.since_long(self._state.registry, self._clock.seconds):
            if self._busy_with_another(agent) or wanted(self._state.queue, agent):
                continue
            model = new_model(agent, self._measured)
            if model is not None:
                await self._begin(agent, model, BenchmarkTrigger.NEW, reload=False)

    def _busy_with_another(self, agent: Agent) -> bool:
        """Agents of one sidecar may share a machine: one of them at a time."""
        running = (self._state.registry.agents.get(agent_id) for agent_id in self._running)
        return any(other is not None and other.instance == agent.instance for other in running)

    async def _begin(self, agent: Agent, model: str, trigger: BenchmarkTrigger, *, reload: bool) -> AgentBenchmark:
        if agent.agent_id in self._running:
            raise Conflict(
                f"{agent.agent_id} is measured already. `hive agents benchmarks {agent.agent_id}` shows how far it is."
            )
        record = AgentBenchmark(
            id=uuid4(),
            agent_id=agent.agent_id,
            model=model,
            trigger=trigger,
            status=BenchmarkStatus.RUNNING,
            hardware=hardware_of(agent.registration),
            started_at=datetime.now(UTC),
        )
        self._running[agent.agent_id] = record
        order = BenchmarkOrder(id=record.id, trigger=trigger, reload=reload)
        control = Control(action=ControlAction.BENCHMARK, model=model, benchmark=order, epoch=self._state.epoch)
        try:
            await self.report(record)
            reply = await self._bus.request(
                subjects.control(agent.agent_id), control, ControlReply, timeout=ORDER_SECONDS, patient=False
            )
        except HiveError as error:
            await self._give_up(record, error.message)
            raise
        if not reply.ok:
            await self._give_up(record, reply.message)
            raise Conflict(reply.message)
        return record

    async def _give_up(self, record: AgentBenchmark, why: str) -> None:
        ended = {"status": BenchmarkStatus.FAILED, "error": why, "ended_at": datetime.now(UTC)}
        await self.report(record.model_copy(update=ended))

    # What comes of it

    async def report(self, record: AgentBenchmark) -> None:
        """The verb `agents.benchmarked`: a step, or the end. DatabaseUnavailable, and then the sidecar tells its end again."""
        agent = self._state.registry.agents.get(record.agent_id)
        if agent is not None and not record.hardware:
            record = record.model_copy(update={"hardware": hardware_of(agent.registration)})
        ends = record.status is not BenchmarkStatus.RUNNING
        with available():
            row = await self._sql.one(
                "save_benchmark",
                *(record.id, record.agent_id, record.model, record.hardware, record.status.value, record.started_at),
                *(record.model_dump_json(exclude_none=True), record.progress),
            )
        self._follow(record, ends=ends, new=row is not None)
        if row is not None and agent is not None:
            self._tell([benchmark_fact(record, agent.status, datetime.now(UTC))])
            if ends:
                self._learn(agent, record)

    def _follow(self, record: AgentBenchmark, *, ends: bool, new: bool) -> None:
        """One that a person ordered of a sidecar is met by its first report."""
        under_way = self._running.get(record.agent_id)
        if not ends and new:
            self._running.setdefault(record.agent_id, record)
        elif ends and under_way is not None and under_way.id == record.id:
            del self._running[record.agent_id]

    def _learn(self, agent: Agent, record: AgentBenchmark) -> None:
        if record.status is not BenchmarkStatus.INTERRUPTED:
            self._measured.add((record.agent_id, record.model, record.hardware))
        self._idle.begin_anew(agent.agent_id, self._clock.seconds)
        if record.status is BenchmarkStatus.COMPLETED:
            agent.speeds.setdefault(record.model, Speed()).measured(record)
        self._put(Tick())

    async def _end_abandoned(self) -> None:
        """Whose agent has gone, or never spoke of it again."""
        for record in list(self._running.values()):
            agent = self._state.registry.agents.get(record.agent_id)
            age_seconds = (datetime.now(UTC) - record.started_at).total_seconds()
            if agent is None or self._has_left(agent) or age_seconds > MOST_SECONDS:
                ended = {"status": BenchmarkStatus.INTERRUPTED, "error": "Its agent left.", "ended_at": datetime.now(UTC)}
                await self.report(record.model_copy(update=ended))

    def _has_left(self, agent: Agent) -> bool:
        """For good, as far as is known: not while its death is not certain, nor while this leader has not yet heard whoever is there."""
        heard = self._clock.seconds >= SILENCE_SECONDS
        return heard and not agent.present and agent.disconnected_at is None

    # Yielding

    def give_way(self) -> None:
        """Called after each turn: who is measured while a task waits for it is told to stop, by its own word that it is measured: of a
        benchmark that an earlier leader ordered this one may know nothing.
        """
        if not len(self._state.queue):
            return
        for agent in self._state.registry:
            if agent.measuring and agent.agent_id not in self._yielding and wanted(self._state.queue, agent):
                self._yielding[agent.agent_id] = asyncio.create_task(self._yield(agent))

    async def _yield(self, agent: Agent) -> None:
        try:
            await self._order_to_yield(agent)
        finally:
            del self._yielding[agent.agent_id]

    async def _order_to_yield(self, agent: Agent) -> None:
        control = Control(action=ControlAction.YIELD, epoch=self._state.epoch)
        try:
            await self._bus.request(
                subjects.control(agent.agent_id), control, ControlReply, timeout=ORDER_SECONDS, patient=False
            )
        except HiveError as error:
            logger.info("yield_unanswered", agent_id=agent.agent_id, reason=error.message)
            return
        agent.measuring = False
        self._put(Tick())
