"""What agents measure by OTLP (http/protobuf): gauges with the time at which the bus stored them, so that a collector that was away gets them late and
not never (ADR 0073). Cards' in the words of OpenTelemetry's `hw.*`. The packages are the extra `hive[otlp]`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bus import subjects
from bus.client import Received
from bus.messages import PerformanceMetrics
from bus.otlp import headers, signal_url
from bus.settings import HiveSettings
from bus.version import hive_version
from monitor.sinks.destination import Destination, each, nanoseconds, values_of

NAMES: Final = {
    "cpu_usage": ("hive.agent.cpu.utilization", "1", 0.01),
    "memory_usage": ("hive.agent.memory.utilization", "1", 0.01),
    "disk_usage": ("hive.agent.disk.utilization", "1", 0.01),
    "network_io_bytes_sent_per_second": ("hive.agent.network.sent", "By/s", 1),
    "network_io_bytes_received_per_second": ("hive.agent.network.received", "By/s", 1),
    "tokens_per_second": ("hive.agent.tokens", "{token}/s", 1),
    "response_time": ("hive.agent.response_time", "s", 1),
    "queue_length": ("hive.agent.queue_length", "{task}", 1),
    "active_tasks": ("hive.agent.active_tasks", "{task}", 1),
    "gpu_usage": ("hw.gpu.utilization", "1", 0.01),
    "gpu_memory": ("hw.gpu.memory.utilization", "1", 0.01),
    "gpu_temperature": ("hw.temperature", "Cel", 1),
    "gpu_power_watts": ("hw.power", "W", 1),
    "success_rate": ("hive.agent.success_rate", "1", 1),
    "error_rate": ("hive.agent.error_rate", "1", 1),
    "retry_count": ("hive.agent.retries", "{attempt}", 1),
}
"""By field of PerformanceMetrics: name, unit, and what one of the field's units is."""
BATCH: Final = 1000
"""Some 14,000 points, a megabyte: collectors take 20."""
REFUSED: Final = frozenset({400, 404, 405, 415, 422, 501})
"""Of a collector that takes no metrics, too, such as one of traces alone."""


@dataclass(frozen=True, slots=True)
class Measured:
    """`at` in nanoseconds since 1970."""

    agent_id: str
    at: int
    values: dict[str, float]


def destination(settings: HiveSettings) -> Destination | None:
    """None without HIVE_OTLP_ENDPOINT, or without the packages: `monitor.meters` says so then."""
    if not settings.otlp_endpoint or not _installed():
        return None
    return Destination(
        name="otlp",
        durable=subjects.OTLP_SINK,
        url=signal_url(settings, "metrics"),
        headers={**headers(settings), "Content-Type": "application/x-protobuf"},
        read=read,
        encode=encode,
        batch=BATCH,
        refused=REFUSED,
        rejected=rejected,
    )


def _installed() -> bool:
    try:
        import opentelemetry.proto.collector.metrics.v1.metrics_service_pb2  # noqa: F401
    except ImportError:
        return False
    return True


def read(batch: Iterable[Received]) -> tuple[list[Measured], int]:
    return each(batch, measured)


def measured(metrics: PerformanceMetrics, at: datetime) -> Measured | None:
    """None where nothing was."""
    values = values_of(metrics)
    return Measured(metrics.agent_id, nanoseconds(at), values) if values else None


def encode(found: Sequence[Measured]) -> bytes:
    """The same whichever monitor writes it, so that a point that comes twice is one: nothing names the process."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge

    request = ExportMetricsServiceRequest()
    told = request.resource_metrics.add()
    service = {"service.namespace": "hive", "service.name": "hive-monitor", "service.version": hive_version()}
    for key, said in service.items():
        told.resource.attributes.add(key=key).value.string_value = said
    scope, gauges = told.scope_metrics.add(), dict[str, Gauge]()
    scope.scope.name = "hive"
    for one in found:
        for field, value in one.values.items():
            name, unit, scale = NAMES[field]
            if name not in gauges:
                gauges[name] = scope.metrics.add(name=name, unit=unit).gauge
            point = gauges[name].data_points.add(time_unix_nano=one.at, as_double=value * scale)
            for key, said in _attributes(one.agent_id, name).items():
                point.attributes.add(key=key).value.string_value = said
    body: bytes = request.SerializeToString()
    return body


def _attributes(agent_id: str, name: str) -> dict[str, str]:
    card = {"hw.id": agent_id, "hw.type": "gpu"} if name.startswith("hw.") else {}
    return {**card, "hive.agent.id": agent_id}


def rejected(answer: bytes) -> int:
    """Points that a collector took the others without. What it says is not always protobuf."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

    try:
        return int(ExportMetricsServiceResponse.FromString(answer).partial_success.rejected_data_points)
    except DecodeError:
        return 0
