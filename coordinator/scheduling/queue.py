"""What waits, in memory and without prompts: in five bands by priority, within them by the owners' turns and by order of arrival."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import chain, islice, takewhile
from typing import Final
from uuid import UUID

from sortedcontainers import SortedList

from bus.messages import MAX_PRIORITY, MIN_PRIORITY, TaskClass, task_class
from bus.messages.places import Delay
from coordinator.scheduling.bands import Band, Line, Order
from coordinator.scheduling.policy import Policy
from coordinator.scheduling.sessions import Home, Sessions
from coordinator.scheduling.shapes import Shape, shape_of
from coordinator.scheduling.standing import Standing
from coordinator.tasks import Task

SPARE_REMINDERS: Final = 1000
"""Of tasks that have left before their time came, beside as many as wait for it."""


class Queue:
    """Tasks in state `queued`. `delayed` are those whose `not_before` has not come: they wait too, and have no place yet."""

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy or Policy()
        self.bands = {priority: Band(self._policy.weights) for priority in range(MIN_PRIORITY, MAX_PRIORITY + 1)}
        self.sessions = Sessions()
        self._tasks: dict[UUID, Task] = {}
        self._lines: dict[tuple[Shape, str | None], Line] = {}
        self._homes: dict[UUID, str] = {}
        """Of the tasks that are kept for the host of their conversation."""
        self._delayed: list[tuple[datetime, UUID]] = []
        self._delayed_counts = dict.fromkeys(self.bands, 0)
        """By priority."""
        self._kept: list[tuple[datetime, UUID]] = []
        self._deadlines = SortedList()
        """Deadline and id of every task that has one."""

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, task_id: UUID) -> bool:
        return task_id in self._tasks

    def __getitem__(self, task_id: UUID) -> Task:
        return self._tasks[task_id]

    def get(self, task_id: UUID) -> Task | None:
        return self._tasks.get(task_id)

    @property
    def lines(self) -> Iterable[Line]:
        """Those in which anything waits."""
        return self._lines.values()

    def add(self, task: Task, now: datetime) -> None:
        """Puts it at its place by priority and arrival, wherever it has been meanwhile: a retry does not go to the end."""
        self.remove(task.id)
        if task.deadline is not None:
            self._deadlines.add((task.deadline, task.id))
        if task.not_before is not None and task.not_before > now:
            self._tasks[task.id] = task
            self._delay(task, task.not_before)
        else:
            self._place(task, now)

    def _delay(self, task: Task, until: datetime) -> None:
        self._delayed_counts[task.priority] += 1
        if len(self._delayed) > 2 * sum(self._delayed_counts.values()) + SPARE_REMINDERS:
            self._delayed = list({reminder for reminder in self._delayed if self._is_delayed(*reminder)})
            heapify(self._delayed)
        heappush(self._delayed, (until, task.id))

    def extend(self, tasks: Iterable[Task], now: datetime) -> None:
        """As `add`, for many."""
        at_once: defaultdict[tuple[int, str, Line], list[Order]] = defaultdict(list)
        for task in tasks:
            if task.id in self._tasks or task.not_before is not None or task.deadline is not None or task.session is not None:
                self.add(task, now)
            else:
                self._tasks[task.id] = task
                at_once[task.priority, task.person, self._line(task)].append((task.sequence, task.id))
        for (priority, owner, line), orders in at_once.items():
            self.bands[priority].add(owner, line, orders)

    def _place(self, task: Task, now: datetime) -> None:
        """Its back-off is over: a reminder of it that is still among the delayed must not place it a second time."""
        self._tasks[task.id] = task if task.not_before is None else task.evolve(not_before=None)
        home = None if task.session is None else self.sessions.home(task.session)
        if home is not None and home.agent_id not in task.avoid:  # it failed there, or that host is lost
            self._keep(task, home, now)
        self.bands[task.priority].add(task.person, self._line(task), [(task.sequence, task.id)])
        if task.attempts:
            self.bands[task.priority].came_back(task.person, task.back or Delay.RETRY)

    def _keep(self, task: Task, home: Home, now: datetime) -> None:
        """For its conversation's host, at most as long as another one would read the prompt: then waiting has cost what it could save."""
        seconds = min(self._policy.affinity_seconds, task.size.prompt_tokens / home.prompt_rate)
        self._homes[task.id] = home.agent_id
        heappush(self._kept, (now + timedelta(seconds=seconds), task.id))

    def _line(self, task: Task) -> Line:
        key = (shape_of(task), self._homes.get(task.id))
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(*key)
        return line

    def line(self, task: Task) -> Line:
        """Where a task stands, or would; made anew where nothing waits there, and not kept."""
        key = (shape_of(task), self._homes.get(task.id) if task.id in self._tasks else self._home(task))
        return self._lines.get(key) or Line(*key)

    def _home(self, task: Task) -> str | None:
        """The agent that it would be kept for; not one where it failed, or that is lost."""
        home = None if task.session is None else self.sessions.home(task.session)
        return None if home is None or home.agent_id in task.avoid else home.agent_id

    def remove(self, task_id: UUID) -> Task | None:
        task = self._tasks.get(task_id)
        if task is None:
            return None
        if task.not_before is None:
            self._displace(task)
        else:
            self._delayed_counts[task.priority] -= 1
        self._homes.pop(task_id, None)
        if task.deadline is not None:
            self._deadlines.discard((task.deadline, task_id))
        return self._tasks.pop(task_id)

    def _displace(self, task: Task) -> None:
        line = self._line(task)
        self.bands[task.priority].discard(task.person, line, (task.sequence, task.id))
        if not line.waiting:
            del self._lines[line.shape, line.home]

    def wake(self, now: datetime) -> None:
        """Gives those their place whose back-off has passed, and those to all hosts that were kept for one long enough."""
        while self._delayed and self._delayed[0][0] <= now:
            due, task_id = heappop(self._delayed)
            if self._is_delayed(due, task_id):
                task = self._tasks[task_id]
                self._delayed_counts[task.priority] -= 1
                self._place(task, now)
        while self._kept and self._kept[0][0] <= now:
            _, task_id = heappop(self._kept)
            if task_id in self._homes:
                task = self._tasks[task_id]
                self._displace(task)
                del self._homes[task_id]
                self.bands[task.priority].add(task.person, self._line(task), [(task.sequence, task.id)])

    def overdue(self, now: datetime, most: int) -> list[Task]:
        """Those that wait while their time is over, those that are so for longest first."""
        over = takewhile(lambda known: known[0] <= now, self._deadlines)
        return [self._tasks[task_id] for _, task_id in islice(over, most)]

    def standing(self, task_id: UUID) -> Standing | None:
        """By priority and turn alone. None for what does not wait, or waits for its back-off."""
        task = self._tasks.get(task_id)
        if task is None or task.not_before is not None:
            return None
        urgent = sum(len(self.bands[priority]) for priority in range(MIN_PRIORITY, task.priority))
        band = self.bands[task.priority]
        earlier, others = band.before(task.person, (task.sequence, task.id))
        return Standing(urgent, others, earlier, returned=band.returned(task.person), attempts=task.attempts)

    def position(self, task_id: UUID) -> int | None:
        """By priority and turn alone: 1 is next."""
        standing = self.standing(task_id)
        return None if standing is None else standing.position

    def upcoming(self, kind: TaskClass, most: int) -> list[UUID]:
        """The next tasks of a class, at most so many, as far as can be foreseen: ageing and warm models may yet change it."""
        bands = (band for priority, band in self.bands.items() if task_class(priority) is kind)
        return list(islice(chain.from_iterable(band.upcoming(most) for band in bands), most))

    def counts(self) -> dict[TaskClass, int]:
        """Waiting tasks by class, those in their back-off among them."""
        counts = dict.fromkeys(TaskClass, 0)
        for priority, band in self.bands.items():
            counts[task_class(priority)] += len(band) + self._delayed_counts[priority]
        return counts

    def _is_delayed(self, due: datetime, task_id: UUID) -> bool:
        """A reminder may be of a task that has left, or has come back with another."""
        task = self._tasks.get(task_id)
        return task is not None and task.not_before == due
