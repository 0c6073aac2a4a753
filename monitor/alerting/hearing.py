"""What conditions are about, as the monitor hears it: agents, their metrics, the queue, and what the ledger adds up."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from time import monotonic, time
from typing import Final
from uuid import UUID

from bus import subjects, telemetry
from bus.client import Bus, Received
from bus.errors import HiveError
from bus.messages import AgentRecord, AgentStatus, ClusterStatus, PerformanceMetrics
from bus.messages.alerts import AlertScope, Silence
from bus.messages.cluster import Quality
from bus.messages.events import EventType, MaintenanceEvent
from bus.messages.maintenance import MOST_WINDOWS, ListMaintenance, MaintenanceList, MaintenanceWindow
from bus.overview import CLUSTER
from bus.together import end
from monitor.alerting.conditions import AVAILABLE, COUNTS, NOT_MEASURED, RETRY_COUNT
from monitor.alerting.maintenance import silences_of
from monitor.alerting.samples import Samples, Value
from monitor.ingest import Ledger

logger = telemetry.log(__name__)

LEDGER_SECONDS: Final = 5.0
WINDOWS_SECONDS: Final = 30.0
"""Between two questions about windows of maintenance."""
_QUALITY: Final = ("success_rate", "error_rate")


class Hearing:
    """Keeps `samples` current between `start` and `close`. `changed` is set when an agent came, went or turned.

    `counted` is set when the ledger knows the past: what it adds up before that would look like growth.
    """

    def __init__(self, bus: Bus, ledger: Ledger, counted: asyncio.Event) -> None:
        self.samples, self.changed = Samples(), asyncio.Event()
        self._bus, self._ledger, self._past_counted, self._stack = bus, ledger, counted, AsyncExitStack()
        self._available: dict[str, bool] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._windows: dict[UUID, MaintenanceWindow] = {}
        self._counted = float("-inf")
        self._live = False

    async def start(self) -> None:
        """Returns when all agents that the hive knows are here."""
        self._stack.push_async_callback((await self._bus.subscribe(subjects.ALL_METRICS, self._measured)).close)
        maintenance = subjects.events(EventType.SYSTEM_MAINTENANCE)
        self._stack.push_async_callback((await self._bus.subscribe(maintenance, self._maintained)).close)
        self._stack.push_async_callback((await self._bus.watch(subjects.KV_AGENTS, self._agent)).close)
        self._stack.push_async_callback((await self._bus.watch(subjects.KV_STATUS, self._status)).close)
        self._live = True
        await self._ask_for_windows()
        self._stack.push_async_callback(end, [asyncio.create_task(self._keep_windows())])

    async def close(self) -> None:
        await self._stack.aclose()

    def resting(self, now: datetime) -> list[Silence]:
        """What windows of maintenance silence now."""
        return silences_of(self._windows.values(), self._labels, now)

    def look(self, at: float) -> None:
        """Before a round: what is told only when it changes is as true as when it was told. The queue is told each second, by who leads."""
        for agent_id, available in self._available.items():
            self.samples.add((AlertScope.AGENT, agent_id), {AVAILABLE: available}, at)
        if self._past_counted.is_set() and monotonic() - self._counted >= LEDGER_SECONDS:
            self._counted = monotonic()
            self._count(at)
        self.samples.forget_old(at)

    def _count(self, at: float) -> None:
        now = datetime.fromtimestamp(at, UTC)
        for agent in self._ledger.agents(monotonic()):
            if agent.agent_id in self._available:
                counts = _values(agent, COUNTS) | {RETRY_COUNT: agent.retries}
                self.samples.add((AlertScope.AGENT, agent.agent_id), counts, at)
        for model in self._ledger.models(now):
            self.samples.add((AlertScope.MODEL, model.model), _values(model, (*COUNTS, *_QUALITY)), at)
        for workflow in self._ledger.workflows(now):
            self.samples.add((AlertScope.WORKFLOW, str(workflow.workflow_id)), _values(workflow, (*COUNTS, *_QUALITY)), at)

    async def _measured(self, received: Received) -> None:
        metrics = received.decode(PerformanceMetrics)
        if received.subject == subjects.metrics(metrics.agent_id):
            flat = metrics.model_dump(exclude=set(NOT_MEASURED), exclude_none=True)
            network = metrics.network_io.model_dump() if metrics.network_io else {}
            self.samples.add((AlertScope.AGENT, metrics.agent_id), flat | network, time())

    async def _agent(self, agent_id: str, value: bytes | None) -> None:
        if value is None:
            self._available.pop(agent_id, None)
            self._labels.pop(agent_id, None)
            self.samples.forget((AlertScope.AGENT, agent_id))
        else:
            record = AgentRecord.model_validate_json(value)
            self._labels[agent_id] = record.labels
            available = record.status is not AgentStatus.OFFLINE
            if self._available.get(agent_id) is available:
                return
            self._available[agent_id] = available
        self.changed.set()

    async def _keep_windows(self) -> None:
        """Events tell what changes; nobody tells of one that was missed."""
        while True:
            await asyncio.sleep(WINDOWS_SECONDS)
            await self._ask_for_windows()

    async def _ask_for_windows(self) -> None:
        """Where no coordinator leads, those that are known go on."""
        verb, asked = subjects.service_verb(subjects.SERVICE_MAINTENANCE, "list"), ListMaintenance(limit=MOST_WINDOWS)
        try:
            found = await self._bus.request(verb, asked, MaintenanceList, timeout=2)
        except HiveError as error:
            logger.debug("windows_unknown", reason=error.message)
            return
        self._windows = {window.id: window for window in found.windows}
        self.changed.set()

    async def _maintained(self, received: Received) -> None:
        window = received.decode(MaintenanceEvent).data
        self._windows[window.id] = window
        self.changed.set()

    async def _status(self, key: str, value: bytes | None) -> None:
        """While nobody leads, nobody knows how much waits. What lay there already is as old as the two clocks say; what comes while this listens is
        as new as it is heard, whatever they say."""
        if key == CLUSTER and value is not None:
            status, at = ClusterStatus.model_validate_json(value), time()
            heard = at if self._live else min(at, status.updated_at.timestamp())
            for task_class, waiting in status.queue.items():
                self.samples.add((AlertScope.QUEUE, task_class), {"waiting": waiting}, heard)


def _values(quality: Quality, names: tuple[str, ...]) -> dict[str, Value]:
    found = {name: getattr(quality, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}
