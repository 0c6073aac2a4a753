"""Metrics by OTLP, in OpenTelemetry's words: `gen_ai.*` of every task that ends. What agents measure is `monitor.sinks.otlp`'s.

Off until HIVE_OTLP_ENDPOINT is set. Sent from a thread of the SDK's own; a collector that is away gets the sums later.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from bus import telemetry
from bus.messages import HiveEvent, TaskChange, TaskStatus
from bus.otlp import SECONDS, headers, resource, signal_url
from bus.settings import HiveSettings

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

logger = telemetry.log(__name__)

Heard = Callable[[HiveEvent[Any]], None]
EVERY_SECONDS: Final = 10.0
TOKEN_BUCKETS: Final = tuple(4.0**power for power in range(14))
SECOND_BUCKETS: Final = tuple(0.01 * 2**power for power in range(14))
"""Both as OpenTelemetry's conventions advise."""


@contextmanager
def metering(settings: HiveSettings, chosen: Callable[[], bool] = lambda: True) -> Iterator[Heard]:
    """Gives who is to be told of every task's end. `chosen` says whether this monitor tells of it: collectors add up what each says."""
    if not settings.otlp_endpoint:
        yield _nobody
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    except ImportError:
        logger.error("metrics_not_exported", reason="OpenTelemetry is not installed", next="pip install 'hive[otlp]'")
        yield _nobody
        return
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = OTLPMetricExporter(signal_url(settings, "metrics"), headers=headers(settings), timeout=SECONDS)
    reader = PeriodicExportingMetricReader(exporter, EVERY_SECONDS * 1000, SECONDS * 1000)
    provider = MeterProvider([reader], resource=resource("monitor"), shutdown_on_exit=False)
    try:
        yield _metered(provider.get_meter("hive"), chosen)
    finally:
        provider.shutdown(SECONDS * 1000)


def _nobody(event: HiveEvent[Any]) -> None: ...


def _metered(meter: "Meter", chosen: Callable[[], bool]) -> Heard:
    tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=TOKEN_BUCKETS)
    duration, first = (
        meter.create_histogram(name, "s", explicit_bucket_boundaries_advisory=SECOND_BUCKETS)
        for name in ("gen_ai.client.operation.duration", "gen_ai.server.time_to_first_token")
    )

    def heard(event: HiveEvent[Any]) -> None:
        if not isinstance(event.data, TaskChange) or event.data.status not in (TaskStatus.COMPLETED, TaskStatus.FAILED):
            return
        if not chosen():
            return
        change, common = event.data, attributes_of(event.data)
        if change.usage is not None:
            tokens.record(change.usage.prompt_tokens, {**common, "gen_ai.token.type": "input"})
            tokens.record(change.usage.completion_tokens, {**common, "gen_ai.token.type": "output"})
        if change.timings is not None and change.timings.total_seconds is not None:
            duration.record(change.timings.total_seconds, common)
        if change.timings is not None and change.timings.time_to_first_token_seconds is not None:
            first.record(change.timings.time_to_first_token_seconds, common)

    return heard


def attributes_of(change: TaskChange) -> dict[str, str]:
    """Of few values, since each set of them is a series: no task and no user."""
    found = {
        "gen_ai.operation.name": change.kind and change.kind.operation,
        "gen_ai.provider.name": "hive",
        "gen_ai.request.model": change.model,
        "hive.agent.id": change.agent_id,
        "error.type": change.error.code if change.error else None,
    }
    return {name: value for name, value in found.items() if value is not None}
