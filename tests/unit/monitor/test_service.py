"""The verbs, on the bus in memory."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from bus import subjects
from bus.errors import NotReady, PermissionDenied
from bus.messages import Claims, ClusterPerformance, NoReply, Role
from bus.messages.history import ListMetrics, MetricsHistory
from bus.messages.readings import MonitorReadings, ServiceVitals
from bus.testing import InMemoryBus
from monitor.document import AsyncApiDocument
from monitor.ingest import Ledger
from monitor.service import docs_service, metrics_service
from monitor.vitals import Vitals
from tests.unit.monitor.events import NOON, task_event

PERFORMANCE = subjects.service_verb(subjects.SERVICE_METRICS, "performance")
READINGS = subjects.service_verb(subjects.SERVICE_METRICS, "readings")
ASYNCAPI = subjects.service_verb(subjects.SERVICE_DOCS, "asyncapi")


async def nothing(asked: ListMetrics) -> MetricsHistory:
    """Of an agent that nobody measured."""
    return MetricsHistory(agent_id=asked.agent_id, resolution=asked.resolution)


async def executions() -> dict[str, int]:
    return {"success": 4}


@pytest.fixture
async def bus() -> AsyncIterator[InMemoryBus]:
    bus = InMemoryBus()
    yield bus
    await bus.close()


@pytest.fixture
def ledger() -> Ledger:
    found = Ledger(NOON, fresh_seconds=30, remembered=10)
    found.count(task_event())
    return found


async def test_half_a_count_is_never_told(bus: InMemoryBus, ledger: Ledger) -> None:
    counted = asyncio.Event()
    await bus.serve(metrics_service(ledger, Vitals(), counted, nothing, executions))
    with pytest.raises(NotReady, match="Try again") as refused:
        await bus.request(PERFORMANCE, NoReply(), ClusterPerformance)
    assert refused.value.retry_after_seconds
    counted.set()
    assert (await bus.request(PERFORMANCE, NoReply(), ClusterPerformance)).completed == 1


async def test_the_document_crosses_the_bus_as_it_is(bus: InMemoryBus) -> None:
    document = AsyncApiDocument({"asyncapi": "3.0.0", "default": None})
    await bus.serve(docs_service(document))
    assert await bus.request(ASYNCAPI, NoReply(), AsyncApiDocument) == document


async def test_what_a_scrape_asks_is_told_with_the_processes_that_are_there(bus: InMemoryBus, ledger: Ledger) -> None:
    vitals, counted = Vitals(), asyncio.Event()
    await bus.serve(metrics_service(ledger, vitals, counted, nothing, executions))
    with pytest.raises(NotReady):
        await bus.request(READINGS, NoReply(), MonitorReadings)
    counted.set()
    gui = ServiceVitals(service="gui", instance="1", memory_bytes=7, websocket_connections=2)
    vitals.hear(gui, monotonic())
    told = await bus.request(READINGS, NoReply(), MonitorReadings)
    assert (told.services, told.executions) == ((gui,), {"success": 4})


@pytest.mark.parametrize("verb", [PERFORMANCE, READINGS, ASYNCAPI])
async def test_who_may_not_view_metrics_is_refused(bus: InMemoryBus, ledger: Ledger, verb: str) -> None:
    counted = asyncio.Event()
    counted.set()
    for service in (metrics_service(ledger, Vitals(), counted, nothing, executions), docs_service(AsyncApiDocument({}))):
        await bus.serve(service)
    await bus.request(verb, NoReply(), NoReply, claims=Claims(sub="vic", roles=(Role.VIEWER,)))
    with pytest.raises(PermissionDenied, match=r"metrics\.view"):
        await bus.request(verb, NoReply(), NoReply, claims=Claims(sub="non", roles=()))


async def test_who_may_not_view_metrics_reads_no_history(bus: InMemoryBus, ledger: Ledger) -> None:
    await bus.serve(metrics_service(ledger, Vitals(), asyncio.Event(), nothing, executions))
    history = subjects.service_verb(subjects.SERVICE_METRICS, "history")
    asked = ListMetrics(agent_id="acacia")
    assert (await bus.request(history, asked, MetricsHistory)).agent_id == "acacia"
    with pytest.raises(PermissionDenied, match=r"metrics\.view"):
        await bus.request(history, asked, MetricsHistory, claims=Claims(sub="non", roles=()))
