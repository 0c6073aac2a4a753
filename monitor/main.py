"""Starts a monitor: `python -m monitor.main`."""

import asyncio
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from time import monotonic
from typing import Final

import uvloop

from bus import heap, subjects, telemetry
from bus.client import Received
from bus.errors import InvalidRequest
from bus.exposition import Sample, exposed
from bus.messages import PerformanceMetrics
from bus.messages.readings import ServiceVitals
from bus.nats_streams import connected
from bus.otlp import exporting
from bus.stopping import until_stopped
from bus.together import end
from bus.vitals import telling_vitals
from monitor.document import describe
from monitor.ends import MODELS
from monitor.history import recount
from monitor.ingest import Ledger
from monitor.keeping import Keeping
from monitor.listener import listener, start, stop
from monitor.meters import metering
from monitor.service import docs_service, metrics_service
from monitor.settings import MonitorSettings
from monitor.sinks import influx, otlp
from monitor.sinks.sink import Sink
from monitor.vitals import Vitals

logger = telemetry.log(__name__)

STOP_SECONDS: Final = 4.5
"""From SIGTERM on, whatever it waits for then."""


async def serve(settings: MonitorSettings) -> None:
    """Until cancelled. Answers at once; what it knows of the past is complete when `counted` is set."""
    ledger = Ledger(
        datetime.now(UTC), fresh_seconds=settings.metrics_fresh_seconds, remembered=settings.monitor_remembered_ends
    )
    vitals, counted = Vitals(), asyncio.Event()
    async with AsyncExitStack() as stack:
        bus = await connected(settings, "monitor")
        stack.push_async_callback(bus.close)
        keeping = Keeping(bus, settings, ledger, counted)
        metrics = metrics_service(ledger, vitals, counted, keeping.history, keeping.executions)
        for service in (metrics, docs_service(describe(settings))):
            stack.push_async_callback((await bus.serve(service)).close)
        await bus.subscribe(subjects.ALL_METRICS, partial(measure, ledger))
        await bus.subscribe(subjects.ALL_VITALS, partial(hear_vitals, vitals))
        await stack.enter_async_context(telling_vitals(bus, "monitor"))
        sinks = [Sink(bus, found) for found in (influx.destination(settings), otlp.destination(settings)) if found is not None]
        stack.push_async_callback(end, [asyncio.create_task(sink.run()) for sink in sinks])

        def samples() -> Iterable[Sample]:
            return chain(keeping.samples(), *(sink.samples() for sink in sinks))

        await stack.enter_async_context(exposed(settings, settings.monitor_metrics_port, "monitor", bus, samples))
        kept, shown = asyncio.create_task(keeping.run()), asyncio.create_task(keeping.show())
        stack.push_async_callback(end, [kept, shown])
        positions = {ends: await recount(bus, ledger, ends) for ends in MODELS}
        heard = stack.enter_context(metering(settings, lambda: keeping.chosen))
        broker = listener(settings, ledger, positions, heard)
        stack.push_async_callback(stop, broker)
        await start(broker)
        counted.set()
        logger.info("monitor_ready", positions=list(positions.values()))
        await kept


async def measure(ledger: Ledger, received: Received) -> None:
    """Metrics of hundreds of agents are a hot path: by nats-py, not by FastStream."""
    ledger.measure(received.decode(PerformanceMetrics), monotonic())


async def hear_vitals(vitals: Vitals, received: Received) -> None:
    vitals.hear(received.decode(ServiceVitals), monotonic())


def main() -> None:
    settings = MonitorSettings.read()
    telemetry.configure("monitor", settings.log_level, settings.log_format, settings.log_refusals)
    heap.set_aside()
    try:
        with exporting("monitor", settings):
            uvloop.run(until_stopped(lambda _stopping: serve(settings), at_most=STOP_SECONDS))
        logger.info("monitor_stopped")
    except InvalidRequest as error:
        logger.error("monitor_cannot_start", reason=error.message)
        sys.exit(1)


if __name__ == "__main__":
    main()
