"""One subscription to the bus for the process, folded into the state and fanned out to every open page."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Protocol

from bus import subjects, telemetry
from bus.client import Bus, Received
from bus.errors import HiveError, InvalidRequest
from bus.messages import (
    AgentEvent,
    AgentRecord,
    ClusterStatus,
    Heartbeat,
    ListTasks,
    NoReply,
    PerformanceMetrics,
    TaskEvent,
    TaskList,
    TaskStatus,
)
from bus.messages.alerts import MOST_ALERTS, AlertList, ListAlerts
from bus.messages.events import AlertEvent
from bus.messages.readings import ServiceVitals, StoreReadings
from bus.together import end
from gui.frames import Frame
from gui.sight import Sight
from gui.state import HiveState

logger = telemetry.log(__name__)

FRAME_SECONDS = 0.15
"""Between two frames to a page; the first change after a quiet time goes out at once. With what a page takes to draw, less than 250 ms."""
TICK_SECONDS = 1.0
HANGS_SECONDS = 2.0
"""A bus that sent nothing back for so long is away, also while the connection to it stands."""
STORES_SECONDS = 5.0
RELIST_TICKS = 30
"""An event may be lost to a full buffer, the record is not: so the newest are asked for again now and then."""
LISTED = 200


class Viewer(Protocol):
    """An open page."""

    sight: Sight
    since: int

    def show(self, frame: Frame) -> bool:
        """Whether the frame went out; what did not is sent again."""
        ...

    def review(self) -> None:
        """Shown out where whoever looks is no longer welcome, whether anything changes or not."""


class Feed:
    """Started once; pages attach and detach."""

    def __init__(self, bus: Bus, state: HiveState) -> None:
        self._bus, self.state = bus, state
        self._viewers: set[Viewer] = set()
        self._changed = asyncio.Event()
        self._stack = AsyncExitStack()
        self._ticks = 0

    async def start(self) -> None:
        """Subscribes first and lists then, so that nothing falls between."""
        taken: dict[str, Callable[[Received], None]] = {
            subjects.events("task.*"): self._task,
            subjects.events("agent.*"): lambda message: self.state.agents.apply_change(message.decode(AgentEvent).data),
            subjects.ALL_HEARTBEATS: lambda message: self.state.agents.apply_heartbeat(message.decode(Heartbeat), _now()),
            subjects.events("system.alert"): lambda message: self.state.alerts.apply(message.decode(AlertEvent).data),
            subjects.ALL_METRICS: lambda message: self.state.agents.apply_metrics(message.decode(PerformanceMetrics)),
            subjects.ALL_VITALS: lambda message: self.state.services.apply_vitals(message.decode(ServiceVitals), _now()),
        }
        for subject, take in taken.items():
            self._stack.push_async_callback((await self._bus.subscribe(subject, self._folded(take))).close)
        self._stack.push_async_callback((await self._bus.watch(subjects.KV_AGENTS, self._agent)).close)
        for loop in (self._tick_for_ever(), self._look_at_stores_for_ever(), self._push_for_ever()):
            self._stack.push_async_callback(_cancelled(asyncio.create_task(loop)))

    async def close(self) -> None:
        await self._stack.aclose()

    def attach(self, viewer: Viewer) -> None:
        """The page gets everything at once, and from then on what changes."""
        self._viewers.add(viewer)
        viewer.since = 0
        self._show(viewer, {})

    def detach(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)

    def _folded(self, take: Callable[[Received], None]) -> Callable[[Received], Awaitable[None]]:
        async def handle(message: Received) -> None:
            before = self.state.revision.number
            try:
                take(message)
            except InvalidRequest as error:
                logger.warning("not_understood", subject=message.subject, problem=error.message)
            if self.state.revision.number > before:  # most heartbeats say nothing new, and must not set the pace
                self._changed.set()

        return handle

    def _task(self, message: Received) -> None:
        self.state.tasks.apply_event(message.decode(TaskEvent), subjects.tenant_of_event(message.subject))

    async def _agent(self, key: str, value: bytes | None) -> None:
        record = None if value is None else AgentRecord.model_validate_json(value)
        self.state.agents.apply_record(key, record)
        self._changed.set()

    async def _tick_for_ever(self) -> None:
        while True:
            try:
                await self._tick()
            except Exception:
                logger.exception("tick_failed")
            self._changed.set()
            await asyncio.sleep(TICK_SECONDS)

    async def _tick(self) -> None:
        for viewer in list(self._viewers):
            viewer.review()
        was_there = self.state.bus
        status = await self._cluster() if self._bus.connected else None
        self.state.apply_bus(status is not None or await self._bus_answers(), _now())
        self.state.tick(_now())
        if not self.state.bus:
            return
        self.state.apply_cluster(status, _now())
        self._ticks += 1
        if not self.state.listed or not was_there or self._ticks % RELIST_TICKS == 0:
            await self._list()
            await self._list_alerts()

    async def _look_at_stores_for_ever(self) -> None:
        """Beside the ticks, which must not wait for a coordinator that waits for its stores."""
        verb = subjects.service_verb(subjects.SERVICE_STATUS, "stores")
        while True:
            try:
                found = await self._bus.request(verb, NoReply(), StoreReadings, timeout=STORES_SECONDS, patient=False)
                self.state.services.apply_stores(found, _now())
            except HiveError as error:
                logger.debug("stores_not_told", code=error.code)
            self._changed.set()
            await asyncio.sleep(STORES_SECONDS)

    async def _cluster(self) -> ClusterStatus | None:
        verb = subjects.service_verb(subjects.SERVICE_QUEUE, "status")
        try:
            return await self._bus.request(verb, NoReply(), ClusterStatus, timeout=TICK_SECONDS, patient=False)
        except HiveError as error:
            logger.debug("no_cluster_status", code=error.code)
            return None

    async def _bus_answers(self) -> bool:
        """Asked of the server itself: that nobody answers a question may be the bus's doing or the coordinator's."""
        try:
            async with asyncio.timeout(HANGS_SECONDS):
                await self._bus.flush()
        except (HiveError, TimeoutError):
            return False
        return self._bus.connected

    async def _list(self) -> None:
        verb = subjects.service_verb(subjects.SERVICE_TASKS, "list")
        active = ListTasks(status=(TaskStatus.ASSIGNED, TaskStatus.RUNNING), limit=500)
        try:
            for wanted in (ListTasks(limit=LISTED), active):
                asked_at = self.state.revision.number
                found = await self._bus.request(verb, wanted, TaskList, patient=False)
                self.state.tasks.apply_records(found.tasks, asked_at=asked_at)
        except HiveError as error:
            logger.debug("no_task_list", code=error.code)
            return
        self.state.apply_listed()

    async def _list_alerts(self) -> None:
        """A hive without a monitor has none."""
        known, verb = self.state.alerts.active, subjects.service_verb(subjects.SERVICE_ALERTS, "list")
        try:
            found = await self._bus.request(verb, ListAlerts(limit=MOST_ALERTS), AlertList, timeout=TICK_SECONDS, patient=False)
        except HiveError as error:
            logger.debug("no_alert_list", code=error.code)
            return
        self.state.alerts.apply_listed(found.alerts, known)

    async def _push_for_ever(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await self._changed.wait()
            self._changed.clear()
            began = clock()
            cut: dict[tuple[Sight, int], Frame] = {}
            for viewer in list(self._viewers):
                if viewer.since < self.state.revision.number:
                    self._show(viewer, cut)
            took = clock() - began
            await asyncio.sleep(max(took, FRAME_SECONDS - took))  # never busy with frames for more than half of the time

    def _show(self, viewer: Viewer, cut: dict[tuple[Sight, int], Frame]) -> None:
        """`cut` holds the frames of this round: pages that have seen the same share one."""
        key = (viewer.sight, viewer.since)
        if key not in cut:
            cut[key] = self.state.frame(since=viewer.since, sight=viewer.sight, now=_now())
        try:
            if viewer.show(cut[key]):
                viewer.since = cut[key].revision
        except Exception:
            logger.exception("page_not_shown")


def _now() -> datetime:
    return datetime.now(UTC)


def _cancelled(task: asyncio.Task[None]) -> Callable[[], Awaitable[None]]:
    async def cancel() -> None:
        await end([task])

    return cancel
