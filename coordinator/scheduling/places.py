"""Where tasks stand and when they begin, for whoever asks, and what has put them back since somebody last asked. Pure, bounded, and
lost with its leader."""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bus.messages.places import QueuePlace, Rise
from coordinator.agents.agent import Agent
from coordinator.scheduling.queue import Queue
from coordinator.scheduling.scheduler import Scheduler
from coordinator.scheduling.standing import Standing, rise

MOST: Final = 20_000
"""Tasks that somebody has asked for; some 5 MB."""


@dataclass(frozen=True, slots=True)
class _Seen:
    standing: Standing | None
    rise: Rise | None


_UNSEEN: Final = _Seen(None, None)


class Places:
    """The longest not asked for are forgotten first: of those a rise is noticed from the next asking on."""

    def __init__(self, queue: Queue, scheduler: Scheduler, most: int = MOST) -> None:
        self._queue, self._scheduler, self._most = queue, scheduler, most
        self._seen: OrderedDict[UUID, _Seen] = OrderedDict()

    def of(self, ids: Iterable[UUID], agents: Collection[Agent], clock: float, now: datetime) -> dict[UUID, QueuePlace]:
        """Those of them that wait and have a place. `clock` is the leader's, in seconds."""
        waiting = [task for task_id in ids if (task := self._queue.get(task_id)) is not None]
        standings = self._scheduler.standings(self._queue, waiting, clock, now)
        etas = self._scheduler.eta_seconds(standings, self._queue, agents)
        return {task_id: self._place(task_id, standing, etas.get(task_id), now) for task_id, standing in standings.items()}

    def _place(self, task_id: UUID, standing: Standing, eta: float | None, now: datetime) -> QueuePlace:
        before = self._seen.get(task_id, _UNSEEN)
        risen = rise(self._queue[task_id], before.standing, standing, now) or before.rise
        self._seen[task_id] = _Seen(standing, risen)
        self._seen.move_to_end(task_id)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return QueuePlace(position=standing.position, eta_seconds=None if eta is None else round(eta, 1), rise=risen)
