"""Everything that the pages show, folded from the bus. Pure: no I/O, and time is passed in."""

from datetime import datetime

from bus.messages import ClusterStatus, TaskStatus
from gui import problems
from gui.agents import AgentFold
from gui.alerts import AlertFold
from gui.frames import Frame
from gui.rows import Revision
from gui.services import ServiceFold
from gui.sight import Sight
from gui.tasks import TaskFold, milliseconds


class HiveState:
    """One for the process; `frame` cuts out what one page may and must see."""

    def __init__(self) -> None:
        self.revision = Revision()
        self.tasks = TaskFold(self.revision)
        self.agents = AgentFold(self.revision)
        self.alerts = AlertFold(self.revision)
        self.services = ServiceFold(self.revision)
        self.bus = True
        self.coordinator = True
        self.bus_at: datetime | None = None
        """When the bus answered last; `led_at`: when a leader did."""
        self.led_at: datetime | None = None
        self.listed = False
        self.cluster: ClusterStatus | None = None

    def apply_bus(self, connected: bool, now: datetime) -> None:
        """Whether the bus answers this process."""
        if connected:
            self.bus_at = now
        if connected != self.bus:
            self.bus = connected
            self.agents.pardon(now)
            self.services.pardon(now)
            self.revision.next()

    def apply_cluster(self, status: ClusterStatus | None, now: datetime) -> None:
        """The leader's numbers; None: nobody leads."""
        coordinator = status is not None and status.leader is not None
        if coordinator:
            self.led_at = now
        if coordinator != self.coordinator or (status and _numbers(status) != _numbers(self.cluster)):
            self.revision.next()
        self.coordinator = coordinator
        self.cluster = status or self.cluster

    def apply_listed(self) -> None:
        """The coordinator's list of tasks has been taken in."""
        if not self.listed:
            self.listed = True
            self.revision.next()

    def tick(self, now: datetime) -> None:
        """Once a second: what changes by nothing happening."""
        if self.bus:
            self.agents.notice_silence(now)
            self.services.tick(now)

    def frame(self, *, since: int, sight: Sight, now: datetime) -> Frame:
        """For a page that has seen `since`; 0 is a page that has seen nothing."""
        since = 0 if since < max(self.tasks.rows.forgotten, self.agents.rows.forgotten) else since
        return Frame(
            revision=self.revision.number,
            full=since == 0,
            now_ms=milliseconds(now),
            bus=self.bus,
            coordinator=self.coordinator,
            listed=self.listed,
            cluster=self.cluster,
            agents=self.agents.rows.since(since),
            agents_gone=self.agents.rows.gone_since(since) if since else (),
            tasks=tuple(row for row in self.tasks.rows.since(since) if sight.sees(row)),
            tasks_gone=self.tasks.gone_since(since, sight) if since else (),
            minutes=self.tasks.minutes(now),
            problems=problems.find(
                bus=self.bus,
                coordinator=self.coordinator,
                as_of=self.led_at if self.bus else self.bus_at,
                away=self.services.away,
                cluster=self.cluster,
                agents=self.agents.rows.values(),
                alerts=self.alerts.active if sight.alerts else (),
                tasks=(row for row in self.tasks.rows.values() if row.status is TaskStatus.FAILED and sight.sees(row)),
                now=now,
            ),
        )


def _numbers(status: ClusterStatus | None) -> ClusterStatus | None:
    """Without the time, which changes with every answer."""
    return status and status.model_copy(update={"updated_at": None})
