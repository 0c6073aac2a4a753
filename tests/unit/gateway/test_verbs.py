"""Questions that met a coordinator without its database are asked again, until the door's own patience ends."""

import asyncio
from uuid import uuid4

import pytest

from bus import auth, subjects
from bus.errors import DatabaseUnavailable, HiveError, NotReady
from bus.messages import NoReply, TaskRef
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus
from coordinator.gateway import verbs

BODY = TaskRef(id=uuid4())


class Coordinator:
    """Has no database for the first `away` questions, or whatever else is amiss."""

    def __init__(self, away: int, error: type[HiveError] = DatabaseUnavailable) -> None:
        self.away, self.error, self.asked = away, error, 0

    async def get(self, _call: Call[TaskRef]) -> NoReply:
        self.asked += 1
        if self.asked <= self.away:
            raise self.error("It does not answer yet.")
        return NoReply()

    async def serve(self, bus: InMemoryBus | None = None) -> InMemoryBus:
        bus = bus or InMemoryBus()
        endpoint = Endpoint(verb="get", body=TaskRef, handler=self.get, permission=None)
        await bus.serve(Service(name=subjects.SERVICE_TASKS, version="0", description="", endpoints=(endpoint,)))
        return bus


async def ask(bus: InMemoryBus, seconds: float) -> None:
    await verbs.ask(bus, subjects.SERVICE_TASKS, "get", BODY, NoReply, auth.BUS_OPERATOR, seconds=seconds)


@pytest.mark.parametrize("error", [DatabaseUnavailable, NotReady])
async def test_a_question_that_met_no_database_or_a_service_that_has_just_begun_is_asked_again(error: type[HiveError]) -> None:
    coordinator = Coordinator(2, error)
    await ask(await coordinator.serve(), verbs.READ_SECONDS)
    assert coordinator.asked == 3


async def test_a_question_that_nobody_heard_is_asked_again_until_somebody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door waits for as long as its client does, and not only for one try: a coordinator may be being replaced."""
    monkeypatch.setattr(verbs, "READ_TRY_SECONDS", 0.05)
    bus, coordinator = InMemoryBus(), Coordinator(away=0)
    asked = asyncio.create_task(ask(bus, 10))
    await asyncio.wait({asked}, timeout=0.2)
    assert not asked.done()
    await coordinator.serve(bus)
    await asked
    assert coordinator.asked == 1


async def test_who_has_little_patience_is_told_at_once() -> None:
    coordinator = Coordinator(away=1)
    bus = await coordinator.serve()
    with pytest.raises(DatabaseUnavailable):
        await ask(bus, verbs.READ_TRY_SECONDS)
    assert coordinator.asked == 1


async def test_a_database_that_stays_away_is_reported_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "READ_TRY_SECONDS", 0.1)
    monkeypatch.setattr(verbs, "AGAIN_SECONDS", 0.01)
    coordinator = Coordinator(away=1000)
    bus = await coordinator.serve()
    with pytest.raises(DatabaseUnavailable):
        await ask(bus, 0.3)
    assert coordinator.asked > 3
