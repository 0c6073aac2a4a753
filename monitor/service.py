"""The monitor's verbs: how the hive performs, and what its messages look like."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic

from bus import subjects
from bus.auth import Permission
from bus.errors import NotReady
from bus.messages import ClusterPerformance, NoReply
from bus.messages.history import ListMetrics, MetricsHistory
from bus.messages.readings import MonitorReadings
from bus.service import Call, Endpoint, Service
from bus.tenancy import scope
from bus.version import hive_version
from monitor.document import AsyncApiDocument
from monitor.ingest import Ledger
from monitor.vitals import Vitals

History = Callable[[ListMetrics], Awaitable[MetricsHistory]]
Executions = Callable[[], Awaitable[dict[str, int]]]


def metrics_service(
    ledger: Ledger, vitals: Vitals, counted: asyncio.Event, read_history: History, executions: Executions
) -> Service:
    """`counted` is set once everything that ended before the monitor's start is in the ledger. `executions` are those that ended, by status."""

    def require_counted() -> None:
        if not counted.is_set():
            raise NotReady(
                "The monitor has just started and still counts what ended before. Try again in a moment.", retry_after_seconds=2
            )

    async def performance(call: Call[NoReply]) -> ClusterPerformance:
        require_counted()
        return ledger.performance(monotonic(), scope(call.claims))

    async def readings(call: Call[NoReply]) -> MonitorReadings:
        require_counted()
        known = {"services": vitals.present(monotonic()), "executions": await executions()}
        return ledger.readings(datetime.now(UTC), monotonic()).model_copy(update=known)

    async def history(call: Call[ListMetrics]) -> MetricsHistory:
        return await read_history(call.body)

    return Service(
        name=subjects.SERVICE_METRICS,
        version=hive_version(),
        description="How the hive performs",
        endpoints=(
            Endpoint(
                verb="performance",
                body=NoReply,
                handler=performance,
                permission=Permission.METRICS_VIEW,
                description="{} -> latest metrics of every agent, and what its ended tasks add up to",
            ),
            Endpoint(
                verb="readings",
                body=NoReply,
                handler=readings,
                permission=Permission.METRICS_VIEW,
                description="{} -> what a scrape asks of the monitor",
            ),
            Endpoint(
                verb="history",
                body=ListMetrics,
                handler=history,
                permission=Permission.METRICS_VIEW,
                description="{agent_id} -> what was measured of an agent, newest first",
            ),
        ),
    )


def docs_service(document: AsyncApiDocument) -> Service:
    async def asyncapi(call: Call[NoReply]) -> AsyncApiDocument:
        return document

    return Service(
        name=subjects.SERVICE_DOCS,
        version=hive_version(),
        description="What Hive says on the bus",
        endpoints=(
            Endpoint(
                verb="asyncapi",
                body=NoReply,
                handler=asyncapi,
                permission=Permission.METRICS_VIEW,
                description="{} -> the AsyncAPI document of every subject and its messages",
            ),
        ),
    )
