"""What a person does with tasks, as requests on the bus in that person's name."""

from collections.abc import Callable
from uuid import UUID

from bus import subjects
from bus.client import Bus
from bus.errors import SessionOver
from bus.messages import Claims, Explanation, TaskRecord, TaskRef, TaskRequest

Who = Callable[[], Claims | None]
"""Whoever looks at a page, as they stand now; None once the login no longer holds: a page that stays open must not do what it could before."""


class Desk:
    """Every verb raises the HiveError that the service answered with, or SessionOver."""

    def __init__(self, bus: Bus, who: Who) -> None:
        self.bus, self._who = bus, who

    @property
    def claims(self) -> Claims:
        """SessionOver."""
        return still(self._who)

    async def submit(self, request: TaskRequest) -> TaskRecord:
        verb = subjects.service_verb(subjects.SERVICE_TASKS, "submit")
        return await self.bus.request(verb, request, TaskRecord, claims=self.claims)

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
        return await self.bus.request(subject, TaskRef(id=task_id), TaskRecord, claims=self.claims)


def still(who: Who) -> Claims:
    """SessionOver."""
    if (claims := who()) is None:
        raise SessionOver("The login no longer holds: it was ended, or the key was revoked. Log in again.")
    return claims
