"""What Prometheus reads. Names are the seed's, so that its dashboards and alerts fit."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from starlette.types import Scope

from bus import tracing
from bus.messages import AgentRecord, ClusterStatus
from coordinator.gateway.families import families
from coordinator.gateway.scraping import Readings

BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """One process's own counters; what the hive as a whole has is asked for at each scrape (`page`)."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._duration = Histogram(
            "hive_api_request_duration_seconds",
            "Time to answer a request, streams to their end.",
            labels,
            buckets=BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._errors = Counter("hive_api_errors", "Requests answered with an error.", labels, registry=self._registry)

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """`status` 0: the client went away before there was an answer, which nginx calls 499."""
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if route != "unmatched" else "any"
        labels = (method, route, str(status or 499))
        trace_id = tracing.exemplar()
        self._duration.labels(*labels).observe(seconds, None if trace_id is None else {"trace_id": trace_id})
        if status >= 400:
            self._errors.labels(*labels).inc()

    def page(
        self,
        status: ClusterStatus | None,
        agents: Iterable[AgentRecord],
        readings: Readings,
        encode: Callable[[CollectorRegistry], bytes] = generate_latest,
    ) -> bytes:
        """Prometheus's text format, or what `encode` makes: OpenMetrics has exemplars, too."""
        return encode(_Page(self._registry, list(families(status, list(agents), readings))))


class _Page(CollectorRegistry):
    """The process's own metrics and those of one scrape, side by side."""

    def __init__(self, own: CollectorRegistry, families: list[Metric]) -> None:
        super().__init__()
        self._own, self._families = own, families

    def collect(self) -> Iterator[Metric]:
        yield from self._own.collect()
        yield from self._families
