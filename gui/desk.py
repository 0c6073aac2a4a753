"""What a person does with tasks, as requests on the bus in that person's name."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from bus import subjects
from bus.client import Bus
from bus.messages import Claims, Explanation, TaskRecord, TaskRef, TaskRequest
from gui import sessions
from gui.counted import Take

SECONDS: Final = 10.0
"""An order may wait for the audit log's next leader; that nobody is there at all is said after PATIENCE_SECONDS."""
PATIENCE_SECONDS: Final = 5.0


class Desk:
    """Every verb raises the HiveError that the service answered with. `still` gives None once the login no longer holds: a page stays open
    as long as its browser likes.
    """

    def __init__(self, bus: Bus, still: Callable[[], Claims | None], take: Take) -> None:
        self.bus, self._still, self._take = bus, still, take

    @property
    def claims(self) -> Claims:
        return sessions.required(self._still)

    async def submit(self, request: TaskRequest) -> TaskRecord:
        verb = subjects.service_verb(subjects.SERVICE_TASKS, "submit")
        claims = self.claims
        await self._take(verb, claims)
        return await self.bus.request(verb, request, TaskRecord, claims=claims)

    async def get(self, task_id: UUID) -> TaskRecord:
        return await self._task("get", task_id)

    async def cancel(self, task_id: UUID) -> TaskRecord:
        return await self._task("cancel", task_id)

    async def requeue(self, task_id: UUID) -> TaskRecord:
        return await self._task("requeue", task_id)

    async def explain(self, task_id: UUID) -> Explanation:
        verb = subjects.service_verb(subjects.SERVICE_TASKS, "explain")
        return await self.bus.request(verb, TaskRef(id=task_id), Explanation, claims=self.claims)

    async def _task(self, verb: str, task_id: UUID) -> TaskRecord:
        subject = subjects.service_verb(subjects.SERVICE_TASKS, verb)
        ref, claims = TaskRef(id=task_id), self.claims
        return await self.bus.request(subject, ref, TaskRecord, claims=claims, timeout=SECONDS, patience=PATIENCE_SECONDS)
