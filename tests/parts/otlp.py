"""A receiver of OpenTelemetry on loopback: decodes what comes with the published protobuf messages, and keeps it."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from deploy.local.ports import free_port
from monitor.sinks.otlp import NAMES
from tests.parts.time_series import Points

LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Received:
    """One span. Ids are hexadecimal, `parent` is empty for the first of a trace."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent: str
    seconds: float
    attributes: dict[str, Any]
    failed: bool


@dataclass
class Receiver:
    url: str = ""
    spans: list[Received] = field(default_factory=list)
    metrics: dict[str, list[tuple[dict[str, Any], Any]]] = field(default_factory=dict)
    """By name, every data point that came: its attributes, and the point itself."""
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    status: int = 200
    """Of its answers; what it does not answer with 200 it has not taken."""
    statuses: dict[str, int] = field(default_factory=dict)
    """Of its answers at a path that is not as the others."""
    answer: bytes = b""
    content_type: str = "application/x-protobuf"
    poison: tuple[bytes, ...] = ()
    """A body with one of these is answered with 500, as a collector does that will never take it."""

    def trace(self, trace_id: str) -> list[Received]:
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def take(self, path: str, body: bytes) -> None:
        self.raw.append(body)
        if path == "/v1/traces":
            self._take_spans(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            self._take_metrics(ExportMetricsServiceRequest.FromString(body))

    def _take_spans(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            service = str(_plain(resource.resource.attributes)["service.name"])
            for span in (each for scope in resource.scope_spans for each in scope.spans):
                self.spans.append(
                    Received(
                        service=service,
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                        attributes=_plain(span.attributes),
                        failed=span.status.code == 2,
                    )
                )

    def _take_metrics(self, request: ExportMetricsServiceRequest) -> None:
        for metric in (m for r in request.resource_metrics for scope in r.scope_metrics for m in scope.metrics):
            kind = metric.WhichOneof("data")
            assert kind is not None
            points = [(_plain(point.attributes), point) for point in getattr(metric, kind).data_points]
            self.metrics.setdefault(metric.name, []).extend(points)


def _plain(attributes: "list[KeyValue]") -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    return [_value(each) for each in value.array_value.values] if kind == "array_value" else getattr(value, kind)


@contextmanager
def receiving(port: int = 0, before: Receiver | None = None) -> Iterator[Receiver]:
    """On a free port, or on that one. One that was there before goes on with what it has."""
    receiver = before or Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            status = receiver.statuses.get(self.path, receiver.status)
            status = 500 if any(each in body for each in receiver.poison) else status
            if status == 200:
                receiver.take(self.path, gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(status)
            self.send_header("content-type", receiver.content_type)
            self.send_header("content-length", str(len(receiver.answer)))
            self.end_headers()
            self.wfile.write(receiver.answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Collector:
    """A receiver that is away at times, on a port of its own, and what it has of agents as a database of time series has it."""

    program = None

    def __init__(self, _folder: Path) -> None:
        self._port, self._receiver, self._stack = free_port(), Receiver(), ExitStack()

    @property
    def settings(self) -> dict[str, str]:
        return {"HIVE_OTLP_ENDPOINT": f"http://127.0.0.1:{self._port}"}

    def start(self) -> None:
        self._stack.enter_context(receiving(self._port, self._receiver))

    def stop(self) -> None:
        self._stack.close()

    def points(self) -> Points:
        fields = {name: (field, scale) for field, (name, _, scale) in NAMES.items()}
        found: Points = {}
        for name in fields.keys() & self._receiver.metrics.keys():
            (field, scale), told = fields[name], self._receiver.metrics[name]
            for attributes, point in list(told):
                at = point.time_unix_nano // 1_000_000
                found[attributes["hive.agent.id"], field, at] = round(point.as_double / scale, 6)
        return found

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
