"""Of several monitors the one that holds the lock keeps the watch and answers for alerts; another takes over from the rows (docs/adr/0042)."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Final

import asyncpg

from bus.client import Bus
from bus.database import AWAY, available
from bus.messages.alerts import Alert
from bus.service import Endpoint
from bus.together import together
from monitor.alerting.chronicle import Chronicle
from monitor.alerting.record import AlertRecord
from monitor.alerting.service import alerts_service
from monitor.alerting.watch import Watch
from monitor.notifying.notifier import Notifier
from monitor.notifying.service import endpoints

LOCK: Final = 0x48495645 + 11
AGAIN_SECONDS: Final = 2.0

MakeNotifier = Callable[[Callable[[], Iterable[Alert]]], Notifier]


async def keep(
    watch: Watch,
    bus: Bus,
    pool: asyncpg.Pool,
    make_notifier: MakeNotifier,
    more: Sequence[Endpoint] = (),
    chosen: Callable[[bool], None] = lambda _: None,
) -> None:
    """For ever: waits until no other monitor keeps the watch. DatabaseUnavailable, BusUnavailable: begin again later, with another.

    `chosen` is told whether this one keeps it; `more` are verbs that are answered by whoever does.
    """
    async with AsyncExitStack() as stack:
        with available():
            connection = await stack.enter_async_context(pool.acquire())
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                chosen(False)
                await asyncio.sleep(AGAIN_SECONDS)
        chosen(True)
        stack.push_async_callback(_unlock, connection)
        stack.push_async_callback(watch.close)
        notifier = watch.notifier = make_notifier(lambda: watch.alerts)
        stack.callback(notifier.close)
        await notifier.start()
        await watch.take_up(AlertRecord(connection))
        service = alerts_service(watch, (*endpoints(notifier), *more))
        stack.push_async_callback((await bus.serve(service)).close)
        await together(watch.run(), notifier.run(), Chronicle(pool, watch.samples).run())


async def _unlock(connection: asyncpg.Connection) -> None:
    with suppress(asyncpg.PostgresError, *AWAY):
        await connection.fetchval("SELECT pg_advisory_unlock($1)", LOCK)
