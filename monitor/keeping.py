"""The monitor's record, for as long as the process lives: it waits for PostgreSQL, however long, and takes up where it ended.

Nothing that the monitor tells of the present waits for it.
"""

import asyncio
from collections.abc import Iterable
from functools import partial
from time import monotonic
from typing import Final

import asyncpg

from bus import telemetry
from bus.client import Bus
from bus.database import AWAY, migrate_by, open_pool
from bus.errors import DatabaseUnavailable, HiveError
from bus.exposition import Sample
from bus.messages.history import ListMetrics, MetricsHistory
from bus.together import together
from monitor.alerting import leading
from monitor.alerting.changes import changes_endpoint
from monitor.alerting.dry_run import DryRuns
from monitor.alerting.record import AlertRecord
from monitor.alerting.rules import given
from monitor.alerting.watch import Watch
from monitor.archive import Archive
from monitor.auditing import service as auditing
from monitor.cache import Cache
from monitor.executions import Executions
from monitor.ingest import Ledger
from monitor.notifying.notifier import Notifier, given_targets
from monitor.past import Past
from monitor.replica import Reading, reading
from monitor.settings import MonitorSettings
from monitor.sql import migrations
from monitor.upkeep import Upkeep, now_utc
from monitor.usage import usage

logger = telemetry.log(__name__)

CONNECTIONS: Final = 6
AGAIN_SECONDS: Final = 2.0


class Keeping:
    """InvalidRequest for a file of rules, or targets, that cannot be read. `counted` is set when the ledger knows the past."""

    def __init__(self, bus: Bus, settings: MonitorSettings, ledger: Ledger, counted: asyncio.Event) -> None:
        self._bus, self._settings, self._ledger, self._counted = bus, settings, ledger, counted
        self._rules, self._targets = given(settings.alert_rules), given_targets(settings)
        self._past: Past | None = None
        self._archive: Archive | None = None
        self._executions: Executions | None = None
        self.chosen = False
        """Whether of several monitors this one is to tell what must be told once: it keeps the watch, or kept it when PostgreSQL went."""
        self._dry_runs = DryRuns(lambda: self._past)
        redis_url = settings.redis_url
        self._cache = Cache(redis_url.get_secret_value() if redis_url else None)

    def samples(self) -> Iterable[Sample]:
        """For the /metrics of this process."""
        caught_up = self._archive is not None and self._archive.caught_up
        yield Sample("monitor_metrics_kept", "gauge", "1 while all that agents measured is in PostgreSQL.", caught_up)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._keep()
            except* (HiveError, asyncpg.PostgresError, *AWAY) as errors:
                logger.warning("metrics_not_kept", reason=repr(errors.exceptions[0]))
            await asyncio.sleep(AGAIN_SECONDS)

    async def _keep(self) -> None:
        url = self._settings.database_url.get_secret_value()
        await migrate_by(url, migrations(), "monitor_migrations")
        pool = await open_pool(url, CONNECTIONS)
        try:
            await self._keep_in(pool)
        finally:
            pool.terminate()

    async def _keep_in(self, pool: asyncpg.Pool) -> None:
        archive, replica = Archive(self._bus, pool), self._settings.database_read_url
        self._archive = archive
        executions = self._executions = Executions(self._bus, pool)
        upkeep = Upkeep(pool, self._settings, lambda: archive.caught_up)
        await upkeep.once(now_utc())
        url = replica.get_secret_value() if replica else None
        async with reading(pool, url, self._settings.database_read_lag_seconds) as read:
            self._past = Past(read)
            logger.info("metrics_are_kept")
            await together(
                archive.run(),
                upkeep.run(),
                self._watch(pool),
                self._usage(pool, read, archive),
                executions.run(),
                auditing.keep(self._bus, pool, self._settings.retain_audit_days),
                *([read.beat()] if url else []),
            )

    async def _usage(self, pool: asyncpg.Pool, read: Reading, archive: Archive) -> None:
        await usage.keep(self._bus, pool, read, self._cache, self._settings.retain_usage_days, measured=archive.has)

    async def _watch(self, pool: asyncpg.Pool) -> None:
        seconds = self._settings.retain_alerts_days * 86_400
        watch = Watch(self._bus, self._ledger, self._rules, counted=self._counted, retain_seconds=seconds)
        notifier = partial(Notifier, pool, self._settings, self._targets)
        more = (self._dry_runs.endpoint(), changes_endpoint(AlertRecord(pool)))
        await leading.keep(watch, self._bus, pool, notifier, more, self._choose)

    def _choose(self, chosen: bool) -> None:
        self.chosen = chosen

    async def executions(self) -> dict[str, int]:
        """How many ended, by status. Nothing while PostgreSQL is away: what a counter tells less of began anew, for whoever reads it."""
        try:
            return {} if self._executions is None else await self._executions.ended()
        except DatabaseUnavailable as error:
            logger.debug("executions_unknown", reason=error.message)
            return {}

    async def history(self, asked: ListMetrics) -> MetricsHistory:
        """DatabaseUnavailable."""
        if self._past is None:
            raise DatabaseUnavailable("The monitor has not reached PostgreSQL yet. Try again shortly.", retry_after_seconds=2)
        past = self._past
        return await self._cache.answer(asked, MetricsHistory, lambda: past.read(asked))

    async def show(self) -> None:
        """For ever: what Redis has of the agents. It needs no PostgreSQL."""
        try:
            await self._cache.show(lambda: self._ledger.agents(monotonic()))
        finally:
            await self._cache.close()
