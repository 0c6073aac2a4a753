"""Where spans go: by OTLP (http/protobuf) to a collector, through OpenTelemetry's own SDK, in batches and from a thread of its own.

The packages are an extra, `hive[otlp]`, and are loaded only when HIVE_OTLP_ENDPOINT is set. A collector that is away costs spans and
holds up nothing.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bus import telemetry, tracing
from bus.settings import HiveSettings
from bus.version import hive_version

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

logger = telemetry.log(__name__)

SECONDS: Final = 5.0
"""For one batch, retries included."""
END_SECONDS: Final = 1.0
"""For the last batch when the process ends: whoever ended it does not wait long."""
_EVERY_MS: Final = 1000


@contextmanager
def exporting(service: str, settings: HiveSettings) -> Iterator[None]:
    """The spans of this process, while it is entered. Does nothing without an endpoint."""
    if not settings.otlp_endpoint:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logger.error("spans_not_exported", reason="OpenTelemetry is not installed", next="pip install 'hive[otlp]'")
        yield
        return
    # What it has to say of a collector that is away comes again and again, and with a traceback.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(signal_url(settings, "traces"), headers=headers(settings), timeout=SECONDS)
    batches = BatchSpanProcessor(exporter, schedule_delay_millis=_EVERY_MS)
    described = resource(service)
    telemetry.sample(settings.trace_ratio)
    tracing.take_with(lambda span: batches.on_end(_readable(span, described)))
    try:
        yield
    finally:
        tracing.take_with(None)
        last = threading.Thread(target=batches.shutdown, daemon=True)
        last.start()
        last.join(END_SECONDS)


def signal_url(settings: HiveSettings, signal: str) -> str:
    """Of `traces` or `metrics`, as OTLP lays it down."""
    return f"{(settings.otlp_endpoint or '').rstrip('/')}/v1/{signal}"


def headers(settings: HiveSettings) -> dict[str, str]:
    """`name=value`, several by comma."""
    given = settings.otlp_headers.get_secret_value() if settings.otlp_headers else ""
    pairs = [each.partition("=") for each in given.split(",") if "=" in each]
    return {name.strip(): value.strip() for name, _, value in pairs}


def resource(service: str) -> "Resource":
    from opentelemetry.sdk.resources import Resource

    names = {"service.namespace": "hive", "service.name": f"hive-{service}", "service.version": hive_version()}
    return Resource.create({**names, "service.instance.id": str(os.getpid())})


def _readable(span: tracing.Span, described: "Resource") -> "ReadableSpan":
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    trace_id, flags = int(span.traceparent[3:35], 16), TraceFlags(TraceFlags.SAMPLED)

    def context(span_id: str, *, remote: bool) -> SpanContext:
        return SpanContext(trace_id, int(span_id, 16), is_remote=remote, trace_flags=flags)

    failed = {} if span.error is None else {"error.type": span.error}
    return ReadableSpan(
        span.name,
        context(span.traceparent[36:52], remote=False),
        None if span.parent is None else context(span.parent, remote=True),
        described,
        {**span.attributes, **failed},
        kind=SpanKind[span.kind.upper()],
        status=Status(StatusCode.UNSET) if span.error is None else Status(StatusCode.ERROR, span.error),
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=InstrumentationScope("hive", hive_version()),
    )
