"""What agents measure by OTLP (http/protobuf): gauges with the time at which the bus stored them, so that a collector that was away gets them late and
not never (ADR 0073). Cards' in the words of OpenTelemetry's `hw.*`. The packages are the extra `hive[otlp]`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

from bus import subjects
from bus.client import Received
from bus.messages import PerformanceMetrics
from bus.otlp import headers, signal_url
from bus.settings import HiveSettings
from bus.version import hive_version
from monitor.sinks.destination import Destination, each, nanoseconds, plain, values_of

NAMES: Final = {
    "cpu_usage": ("hive.agent.cpu.utilization", "1", 0.01),
    "memory_usage": ("hive.agent.memory.utilization", "1", 0.01),
    "disk_usage": ("hive.agent.disk.utilization", "1", 0.01),
    "network_io_bytes_sent_per_second": ("hive.agent.network.sent", "By/s", 1),
    "network_io_bytes_received_per_second": ("hive.agent.network.received", "By/s", 1),
    "tokens_per_second": ("hive.agent.tokens", "{token}/s", 1),
    "response_time": ("hive.agent.response_time", "s", 1),
    "active_tasks": ("hive.agent.active_tasks", "{task}", 1),
    "gpu_usage": ("hw.gpu.utilization", "1", 0.01),
    "gpu_memory": ("hw.gpu.memory.utilization", "1", 0.01),
    "gpu_temperature": ("hw.temperature", "Cel", 1),
    "gpu_power_watts": ("hw.power", "W", 1),
    "success_rate": ("hive.agent.success_rate", "1", 1),
    "error_rate": ("hive.agent.error_rate", "1", 1),
}
"""By field of PerformanceMetrics: name, unit, and what one of the field's units is."""
UNNAMED: Final = frozenset({"queue_length", "retry_count"})
"""The seed's, which no agent of Hive's fills: what waits, waits for all of them, and it is the coordinator that tries again."""
BATCH: Final = 1000
"""Some 14,000 points, a megabyte: collectors take 20."""
PROTOBUF: Final = "application/x-protobuf"


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
        settings="HIVE_OTLP_ENDPOINT or HIVE_OTLP_HEADERS",
        headers={**headers(settings), "Content-Type": PROTOBUF},
        read=read,
        encode=encode,
        batch=BATCH,
        sibling=signal_url(settings, "traces"),
        rejected=rejected,
        said=said,
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
    values = {field: value for field, value in values_of(metrics).items() if field in NAMES}
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


def rejected(answer: bytes, written: Sequence[Measured]) -> tuple[int, str]:
    """A collector counts points: as many measurements as those make. What it says is not always protobuf."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

    try:
        partial = ExportMetricsServiceResponse.FromString(answer).partial_success
    except DecodeError:
        return 0, ""
    points = sum(len(one.values) for one in written)
    return min(ceil(partial.rejected_data_points * len(written) / points), len(written)), partial.error_message


def said(answer: bytes, content_type: str) -> str:
    """A `Status` where it is protobuf; what stands before a collector answers in text."""
    from google.protobuf.message import DecodeError
    from google.rpc.status_pb2 import Status

    if not content_type.startswith(PROTOBUF):
        return plain(answer, content_type)
    try:
        return str(Status.FromString(answer).message)
    except DecodeError:
        return ""
