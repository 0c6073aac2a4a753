"""One term of leadership: from the lock to its loss. Reads, decides in turns, commits, then offers and announces."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import BusUnavailable, HiveError
from bus.messages import AgentStatus, ClusterStatus
from bus.overview import CLUSTER
from bus.together import together
from bus.version import hive_version
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.agents.benchmarks import Benchmarks
from coordinator.agents.checkups import Checkups
from coordinator.agents.hosts import Hosts
from coordinator.agents.joining import Joining
from coordinator.agents.ordering import Ordering
from coordinator.agents.presence import Presence
from coordinator.agents.tracks import Tracks
from coordinator.agents.windows import Windows
from coordinator.leading import spans
from coordinator.leading.clock import TICK_SECONDS, Clock
from coordinator.leading.dispatch import Dispatcher
from coordinator.leading.facts import Fact
from coordinator.leading.heap import Heap
from coordinator.leading.inputs import Input, OutcomeRead, Tick, TimeIsUp
from coordinator.leading.intake import MAX_TURN, Intake
from coordinator.leading.ledger import Followup
from coordinator.leading.loading import Backlog, load, load_outbox, load_requests
from coordinator.leading.placing import offer_of
from coordinator.leading.publisher import Publisher
from coordinator.leading.salvage import Salvage
from coordinator.leading.state import State
from coordinator.leading.steady import apart, steady_time
from coordinator.leading.throughput import Throughput
from coordinator.leading.turn import Turn
from coordinator.store.database import Statements
from coordinator.store.record import Record
from coordinator.tasks import Streaming

logger = telemetry.log(__name__)

LISTEN_SECONDS: Final = 0.75
"""A new leader first hears the sidecars that the record names: one heartbeat and a half."""
SLOW_SECONDS: Final = 1.0
"""How often streams are purged, and the doors' view is written."""
MANY: Final = 12
GATHER_SECONDS: Final = 0.003
"""After a turn with so many inputs the next lets more come: with one in flight, or a few, nobody waits, and with many everybody saves
wake-ups and round trips."""
TIMEOUT_MARGIN: Final = timedelta(seconds=5)
"""The sidecar ends an attempt at its timeout; the leader only where that did not happen."""


class TermOver(Exception):
    """The lock is gone, or what the leader knows of the bus no longer holds."""


class Unstorable(Exception):
    """PostgreSQL refused a batch for what is in it, not for being away."""

    def __init__(self, inputs: list[Input]) -> None:
        super().__init__(f"{len(inputs)} inputs")
        self.inputs = inputs


class Term:
    """Made by whoever won the lock. The first `one_by_one` inputs get a turn each.

    `run` ends by TermOver, Deposed, Unstorable, a HiveError or an error of PostgreSQL.
    """

    def __init__(
        self,
        bus: Bus,
        writer: asyncpg.Connection,
        pool: asyncpg.Pool,
        state: State,
        one_by_one: int,
        hosts: Hosts,
        benchmark_idle_seconds: float | None = None,
    ) -> None:
        self._bus, self._writer, self._one_by_one = bus, writer, one_by_one
        self._reading = Statements(pool)
        self._backlog = Backlog(state, Statements(writer))
        self.state = state
        self.clock = Clock(bus, state.instance)
        self._intake = Intake(bus, state)
        self._publisher = Publisher(bus)
        self._dispatcher = Dispatcher(bus, self.put, self._is_open)
        self._salvage = Salvage(bus, self._reading, self.put, self._is_read_along)
        self.presence = Presence(
            bus, state, self._reading, self.clock, self.put, self._salvage.died, self._tell, self._registered
        )
        self.ordering = Ordering(state, self._reading, self.presence)
        self.windows = Windows(state.registry, self._reading, self.presence, self._publisher.put, state.epoch)
        self.joining = Joining(state, self._reading, self._publisher.put, hosts)
        self._checkups = Checkups(bus, state.registry, self._reading, self.clock)
        self._tracks = Tracks(state.registry, self._reading, state.epoch)
        self.benchmarks = Benchmarks(
            bus, state, self._reading, self.clock, self.put, self._tell, idle_seconds=benchmark_idle_seconds
        )
        self._heap = Heap()
        self._throughput = Throughput(monotonic())
        self._pending = 0
        self._hour: Callable[[], datetime] | None = None
        """As PostgreSQL has it now."""
        self._listening = True
        self._gathers = False
        self._turned_at = monotonic()

    def put(self, taken: Input) -> None:
        self._intake.put(taken)

    def _tell(self, facts: list[Fact]) -> None:
        self._publisher.put(None, facts)

    def _registered(self, agent: Agent) -> None:
        self.windows.registered(agent)

    def _is_read_along(self, task_id: UUID) -> bool:
        task = self.state.live.get(task_id)
        return task is not None and task.streaming is not Streaming.NOT

    def _is_open(self, attempt: OpenAttempt) -> bool:
        return attempt.id in self.state.registry.open

    async def run(self, show: Callable[[ClusterStatus], Awaitable[None]]) -> None:
        """`show` is given the cluster's status once a second, for the cache."""
        await load(self.state, self._reading)
        self.presence.cut_off(await self.joining.removed())
        await self.windows.load()
        await self._backlog.more()
        self._salvage.died(list(self.state.registry.orphans()))
        await self._intake.begin_anew_what_was_lost()
        for outbox_id, facts in await load_outbox(self._reading, self._bus):
            self._publisher.put(outbox_id, facts)
        async with AsyncExitStack() as stack:
            stack.callback(self._heap.give_back)
            stack.push_async_callback(self._intake.close)
            stack.push_async_callback(self._dispatcher.close)
            stack.push_async_callback(self._salvage.close)
            stack.push_async_callback(self.presence.close)
            stack.push_async_callback(self.benchmarks.close)
            stack.push_async_callback(self.clock.close)
            await self.clock.start()
            await self.presence.start()
            await self._intake.hear_reports()
            await together(
                self._publisher.run(),
                self._turns(),
                self._ticks(),
                self._slow(show),
                self._checkups.run(),
                self._tracks.run(),
                self.windows.run(),
                self.benchmarks.run(),
                self.presence.show_changes(),
                *self._intake.pumps(),
            )

    # Deciding

    async def _turns(self) -> None:
        while True:
            await self._intake.wake.wait()
            if self._gathers:
                await asyncio.sleep(GATHER_SECONDS)
            self._intake.wake.clear()
            inputs = self._intake.take(1 if self._one_by_one else MAX_TURN)
            self._gathers = len(inputs) >= MANY
            self._set_hour()
            if (
                any(not isinstance(taken, Tick) for taken in inputs)
                or self._can_place()
                or self._may_tidy()
                or self._has_overdue()
            ):
                await self._turn(inputs)
                if self._has_overdue():  # more of them than one turn ends
                    self._intake.wake.set()
            self.benchmarks.give_way()
            if not self._backlog.done:
                await self._backlog.more()
                self._heap.look(len(self.state.queue))
                self._intake.wake.set()
            while self._publisher.behind:
                await asyncio.sleep(0.01)

    def _may_tidy(self) -> bool:
        """Whether it is quiet, and rows of the outbox are left to delete; while it is not, other turns do that in passing."""
        return bool(self._publisher.sent) and monotonic() - self._turned_at >= SLOW_SECONDS

    def _has_overdue(self) -> bool:
        return bool(self.state.queue.overdue(self.state.now(), most=1))

    def _can_place(self) -> bool:
        if self._listening:
            return False
        now = self.state.now()
        self.state.queue.wake(now)
        self.state.registry.hold(now)
        state, fleet = self.state, self.state.scheduler.fleet(list(self.state.registry), self.clock.seconds)
        if state.scheduler.next(state.queue, fleet, now) is not None:
            return True
        return bool(state.scheduler.yields(state.queue, state.preemptible, fleet, now))

    def _set_hour(self) -> None:
        """Between two turns, where no task is judged by it (coordinator/leading/steady.py)."""
        state = self.state
        judged = not self._backlog.done or state.queue or state.live or state.depended_on or self._pending
        if self._hour is not None and not judged and apart(self._hour(), state.now()):
            logger.warning("hour_set", seconds=round((self._hour() - state.now()).total_seconds()))
            state.now = self._hour

    async def _turn(self, inputs: list[Input]) -> None:
        self.state.sent, self._turned_at = self._publisher.take_sent(), monotonic()
        now, may_place = self.state.now(), not self._listening
        try:
            async with Record(self._writer, self.state, now) as record:
                followup = await Turn(self.state, record, self._bus, now, self.clock.seconds, may_place=may_place).run(inputs)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError) as error:
            # Its class alone: the message may quote the row, and so a prompt.
            logger.error("turn_refused", inputs=len(inputs), error=type(error).__name__, sqlstate=error.sqlstate)
            raise Unstorable(inputs) from error
        self._one_by_one = max(0, self._one_by_one - sum(not isinstance(taken, Tick) for taken in inputs))
        self._intake.committed()
        spans.committed(inputs, now)
        await self._answer(inputs)
        self._follow_up(followup)

    async def _answer(self, inputs: list[Input]) -> None:
        """The sidecars whose reports are committed need not keep them any more."""
        with suppress(BusUnavailable):  # they tell the stream, then
            for taken in inputs:
                if isinstance(taken, OutcomeRead) and taken.received.reply:
                    await self._bus.publish(taken.received.reply, b"")

    def _follow_up(self, followup: Followup) -> None:
        for task, failure in followup.failures:
            traced = {"trace_id": task.traceparent[3:35]} if task.traceparent else {}
            logger.info("task_failed", task_id=str(task.id), correlation_id=str(task.id), code=failure.code, **traced)
        for ended in followup.ended:
            self._throughput.count(ended, monotonic())
        if followup.facts:
            self._publisher.put(followup.outbox_id, followup.facts)
        for attempt, offer in followup.offers:
            self._dispatcher.offer(attempt, offer)
        for attempt in followup.cancels:
            self._dispatcher.cancel(attempt)
        for attempt in followup.preempts:
            self._dispatcher.preempt(attempt, self.state.epoch)
        for done, error in followup.answers:
            if not done.done():
                done.set_result(None) if error is None else done.set_exception(error)

    # Time

    async def _begin(self) -> None:
        """The sidecars were heard. What none of them named is offered again, and the rest may be placed."""
        self._listening = False
        await self._offer_again([a for a in self.state.registry.open.values() if a.seen_at == a.opened_at])

    async def _ticks(self) -> None:
        begin_at = monotonic() + (LISTEN_SECONDS if self.state.registry.agents else 0.0)
        while True:
            await self.clock.beat(monotonic())
            if self.clock.forgive():
                self.state.registry.everybody_was_heard(self.clock.seconds)
            self.presence.bury()
            for task_id in self._overdue():
                self.put(TimeIsUp(task_id))
            if not self._listening:
                await self._offer_again(self.state.registry.unseen(self.clock.seconds))
            elif monotonic() >= begin_at:
                await self._begin()
            self.put(Tick())
            await asyncio.sleep(TICK_SECONDS)

    def _overdue(self) -> list[UUID]:
        """Of those that run. What waits is looked at by each turn."""
        limit = self.state.now() - TIMEOUT_MARGIN
        return [task.id for task in self.state.live.values() if task.deadline is not None and task.deadline < limit]

    async def _offer_again(self, attempts: list[OpenAttempt]) -> None:
        """The sidecar knows by the attempt's id whether it had it; if not, it begins now."""
        current = [a for a in attempts if self.state.current.get(a.task_id) == a.id]
        if not current:
            return
        requests = await load_requests(self._reading, [attempt.task_id for attempt in current])
        for attempt in current:
            attempt.seen_at = self.clock.seconds
            task = self.state.live.get(attempt.task_id)
            if task is not None and attempt.task_id in requests:
                request, left = requests[attempt.task_id]
                offer = offer_of(task, attempt, request, left, self.state.epoch, self.state.now())
                self._dispatcher.offer(attempt, offer, again=True)

    async def _slow(self, show: Callable[[ClusterStatus], Awaitable[None]]) -> None:
        shown = False
        while True:
            try:
                if not shown:
                    await self.presence.show_all()
                    shown = True
                if self._intake.doubtful and await self._intake.lost():
                    raise TermOver
                await self._intake.purge()
                await self.presence.show_what_is_left()
            except HiveError as error:
                logger.warning("housekeeping_waits", error=error.message)
            row = await self._reading.one("count_pending")
            if row is not None:
                self._pending, self._hour = row["count"], steady_time(row["at"])
            if self._pending:
                for late in await self._reading.all("overdue_pending", self.state.now()):
                    self.put(TimeIsUp(late["id"]))
            self._heap.look(len(self.state.queue))
            status = self.status()
            await show(status)
            await self._say(status)
            await asyncio.sleep(SLOW_SECONDS)

    async def _say(self, status: ClusterStatus) -> None:
        """To every door and every other coordinator (bus/overview.py)."""
        try:
            await self._bus.put(subjects.KV_STATUS, CLUSTER, status)
        except HiveError as error:
            logger.debug("status_not_said", error=error.message)

    def status(self) -> ClusterStatus:
        registry, queue = self.state.registry, self.state.queue
        online = [agent for agent in registry if agent.status is AgentStatus.ONLINE]
        statuses = [agent.status for agent in registry]
        running = sum(1 for attempt in registry.open.values() if attempt.accepted and not attempt.superseded)
        return ClusterStatus(
            version=hive_version(),
            leader=self.state.instance,
            hive_id=self.state.hive_id,
            agents={status.value: statuses.count(status) for status in AgentStatus},
            queue={task_class.value: count for task_class, count in queue.counts().items()} | {"pending": self._pending},
            loading=not self._backlog.done,
            tasks={"assigned": len(self.state.live) - running, "running": running},
            slots=sum(agent.slots for agent in online),
            slots_free=sum(agent.free_slots(self.clock.seconds) for agent in online),
            throughput=self._throughput.rates(monotonic()),
            updated_at=self.state.now(),
        )
