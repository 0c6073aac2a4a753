"""The coordinator's composition root: `python -m coordinator.main`. One leads, the others read, serve and stand ready."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, Final
from uuid import uuid4

import asyncpg

from bus import heap, subjects, telemetry
from bus.auditing.attempts import told_attempt
from bus.client import Bus, Closing
from bus.errors import DatabaseUnavailable, HiveError
from bus.exposition import Sample, exposed
from bus.guarding.guard import Guard
from bus.messages import ClusterStatus
from bus.nats_bus import NatsBus
from bus.nats_streams import declare, keep_declared
from bus.otlp import exporting
from bus.overview import Overview
from bus.service import Service
from bus.together import end, together, within
from bus.vitals import telling_vitals
from coordinator.agents.admitting import Admitting
from coordinator.agents.hosts import Hosts
from coordinator.agents.registry import Registry
from coordinator.keys import Keys
from coordinator.leading import leader
from coordinator.leading.inputs import Input, OutcomeRead, SubmitRead
from coordinator.leading.service import LeaderService
from coordinator.leading.state import State
from coordinator.leading.steady import steady_time
from coordinator.leading.term import Term, TermOver, Unstorable
from coordinator.models.models import Models
from coordinator.models.placement import Limits
from coordinator.models.reconciler import Reconciler
from coordinator.people.people import People
from coordinator.reading.agents import AgentReads
from coordinator.reading.maintenance import MaintenanceReads
from coordinator.reading.status import status_service
from coordinator.reading.stores import StoreReads
from coordinator.reading.tasks import Reads
from coordinator.schedules.firing import Firing
from coordinator.schedules.schedules import Schedules
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.settings import CoordinatorSettings
from coordinator.store.cache import Cache
from coordinator.store.database import AWAY, WRITER, Statements, migrate, open_connection, open_pool
from coordinator.store.record import Deposed
from coordinator.store.retention import clear

logger = telemetry.log(__name__)

RETRY_SECONDS = 0.2
ANEW_SECONDS = 5.0
HEARD_SECONDS = 0.5
"""A bus that takes longer for a round trip is as good as away."""
ENDS: Final = (TermOver, Deposed, HiveError, asyncpg.PostgresError, *AWAY)
"""What a term ends by, and another begins after."""


class Coordinator:
    """Lives as long as its process; leads whenever it can."""

    def __init__(self, bus: Bus, pool: asyncpg.Pool, settings: CoordinatorSettings, instance: str) -> None:
        self._bus, self._pool, self._settings, self._instance = bus, pool, settings, instance
        self._url = settings.database_url.get_secret_value()
        self._statements = Statements(pool)
        self._reads, self._keys = Reads(bus, self._statements), Keys(bus, self._statements)
        redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
        self._guard = Guard(redis_url or None, told=partial(told_attempt, bus.auditor))
        self._people = People(bus, self._statements, self._keys, settings, self._guard)
        self._agents, self._maintenance = AgentReads(bus, self._statements), MaintenanceReads(self._statements)
        self._overview = Overview(bus)
        self._models = Models(bus, self._overview)
        seed = settings.nats_admission_seed
        self._admitting = Admitting(bus, seed.get_secret_value()) if seed else None
        self._hosts = Hosts(bus, self._statements, admits=seed is not None)
        self._schedules = Schedules(bus, self._statements, settings.schedules_per_owner)
        self._cache = Cache(redis_url)
        self._unstorable_submits: set[int] = set()
        self._unstorable_outcomes: set[str] = set()
        self._epoch: int | None = None

    def samples(self) -> Iterable[Sample]:
        """For the /metrics of this process."""
        yield Sample("coordinator_leading", "gauge", "1 while this coordinator leads.", self._epoch is not None)
        if self._epoch is not None:
            yield Sample("coordinator_epoch", "gauge", "Of the leadership that this coordinator holds.", self._epoch)

    async def run(self) -> None:
        await self._overview.start()
        await self._models.start()
        if self._admitting is not None:
            await self._admitting.start()
        served = [await self._bus.serve(service) for service in self._open_services()]
        try:
            while True:
                leadership = await leader.acquire(self._url, self._instance, self._hears)
                self._epoch = leadership.epoch
                try:
                    await self._while_held(leadership)
                except ENDS as error:
                    logger.warning("stepped_down", epoch=leadership.epoch, reason=type(error).__name__, error=str(error))
                finally:
                    self._epoch = None
                    await leadership.release()
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            await asyncio.gather(*(service.close() for service in served), return_exceptions=True)
            if self._admitting is not None:
                await self._admitting.close()
            await self._models.close()
            await self._overview.close()
            await self._guard.close()
            await self._cache.close()

    async def _hears(self) -> bool:
        """Whether the bus answers."""
        if not self._bus.connected:
            return False
        try:
            async with asyncio.timeout(HEARD_SECONDS):
                await self._bus.flush()
        except (HiveError, TimeoutError):
            return False
        return True

    def _open_services(self) -> tuple[Service, ...]:
        return (
            self._reads.service(),
            self._agents.service(),
            self._maintenance.service(),
            status_service(self._overview, StoreReads(self._statements, self._cache)),
            self._models.service(),
            self._keys.service(),
            *self._people.services(),
            self._schedules.service(),
        )

    async def _while_held(self, leadership: leader.Leadership) -> None:
        """The lock is watched from the first moment: whoever does not use its session counts as hanging, and loading takes a while."""
        try:
            await together(_until_lost(leadership), self._lead(leadership))
        except BaseExceptionGroup as group:
            if (reason := _reason(group, ENDS)) is None:
                raise
            raise reason from group

    async def _lead(self, leadership: leader.Leadership) -> None:
        if self._settings.admin_key is not None:
            await self._keys.ensure_admin(self._settings.admin_key.get_secret_value())
        await self._keys.mirror()
        await self._people.mirror()
        await self._hosts.mirror()
        one_by_one = 0
        while True:
            try:
                await self._serve_term(leadership, one_by_one)
            except Unstorable as refused:
                one_by_one = self._bisect(refused.inputs)

    def _bisect(self, inputs: list[Input]) -> int:
        """How many to take one by one, until the bad one shows itself: it is remembered as bad, and the rest goes on as before."""
        if len(inputs) > 1:
            return len(inputs)
        for taken in inputs:
            if isinstance(taken, SubmitRead):
                self._unstorable_submits.add(taken.received.sequence)
            elif isinstance(taken, OutcomeRead):
                self._unstorable_outcomes.add(subjects.last_token(taken.received.subject))
        return 0

    async def _serve_term(self, leadership: leader.Leadership, one_by_one: int) -> None:
        writer = await open_connection(self._url, **WRITER)
        state = State(
            epoch=leadership.epoch,
            instance=self._instance,
            now=steady_time(await writer.fetchval("SELECT clock_timestamp()")),
            queue=Queue(self._settings.policy),
            scheduler=Scheduler(self._settings.policy),
            registry=Registry(self._settings.policy),
            unstorable_submits=self._unstorable_submits,
            unstorable_outcomes=self._unstorable_outcomes,
        )
        idle_seconds = self._settings.benchmark_idle_seconds if self._settings.benchmark_new else None
        term = Term(self._bus, writer, self._pool, state, one_by_one, self._hosts, idle_seconds)
        verbs, served = LeaderService(term, self._reads), list[Closing]()
        limits = Limits(patience_seconds=self._settings.placement_patience_seconds)
        reconciler = Reconciler(self._bus, state, self._statements, term.clock, limits)

        async def show(status: ClusterStatus) -> None:
            if not served:
                for service in (*verbs.services(), reconciler.service()):
                    served.append(await self._bus.serve(service))
            await self._cache.show(status, state)

        firing = Firing(self._bus, self._statements, leadership.epoch, verbs.cancel)
        work = (partial(clear, self._statements, self._settings), reconciler.run, firing.run)
        beside = [asyncio.create_task(_again_and_again(each)) for each in work]
        try:
            await term.run(show)
        except BaseExceptionGroup as group:
            if (reason := _reason(group, (*ENDS, Unstorable))) is None:
                raise
            raise reason from group
        finally:
            await end(beside)
            verbs.give_up()
            for service in served:
                await service.close()
            with suppress(*AWAY):
                await within(2, writer.close())


async def _again_and_again(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What stands beside a term does not end it; a mistake of ours in it is logged, and it begins anew."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("beside_the_term_failed")
        await asyncio.sleep(ANEW_SECONDS)


async def _until_lost(leadership: leader.Leadership) -> None:
    await leadership.watch()
    raise TermOver


def _reason(group: BaseExceptionGroup[BaseException], expected: tuple[type[BaseException], ...]) -> BaseException | None:
    """None where something else is in it, which is a mistake of ours.

    Not by `except*`, since what is raised in that comes wrapped into one more group before Python 3.11.4, and Debian 12 has 3.11.2.
    """
    return None if group.split(expected)[1] is not None else _first(group)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The reason that says most: a bad batch or a lost lock before what they dragged along."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found.append(_first(error) if isinstance(error, BaseExceptionGroup) else error)
    return next((error for error in found if isinstance(error, Unstorable | Deposed)), found[0])


async def serve(settings: CoordinatorSettings) -> None:
    """Until cancelled."""
    instance = uuid4().hex[:12]
    async with AsyncExitStack() as stack:
        bus = await NatsBus.connect(settings, f"coordinator/{instance}")
        stack.push_async_callback(bus.close)
        await declare(bus)
        stack.push_async_callback(end, [asyncio.create_task(keep_declared(bus))])
        pool = await _database(settings)
        stack.callback(pool.terminate)
        await stack.enter_async_context(telling_vitals(bus, "coordinator"))
        coordinator = Coordinator(bus, pool, settings, instance)
        exposing = exposed(settings, settings.coordinator_metrics_port, "coordinator", bus, coordinator.samples)
        await stack.enter_async_context(exposing)
        await coordinator.run()


async def _database(settings: CoordinatorSettings) -> asyncpg.Pool:
    """Of the newest schema; waits for PostgreSQL for ever."""
    url = settings.database_url.get_secret_value()
    while True:
        try:
            await migrate(url)
            return await open_pool(url, settings.database_connections)
        except DatabaseUnavailable as error:
            logger.warning("database_away", error=error.message)
            await asyncio.sleep(RETRY_SECONDS)


async def main() -> None:
    settings = CoordinatorSettings.read()
    telemetry.configure("coordinator", settings.log_level, settings.log_format, settings.log_refusals)
    heap.set_aside()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    with exporting("coordinator", settings):
        await together(serve(settings), told.wait())


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
