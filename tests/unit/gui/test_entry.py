"""A browser at the door of one replica, and what the others know of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bus import subjects
from bus.errors import SessionOver
from bus.guarding.guard import Guard
from bus.messages import Claims, Role
from bus.messages.people import UserStanding
from bus.messages.workflows import ListWorkflows
from bus.standing import Standings
from bus.testing import InMemoryBus
from gui import sessions
from gui.desk import Desk
from gui.keyring import Keyring
from gui.pages.dashboard import Dashboard
from gui.pages.entry import Entry
from gui.remembered import Remembered
from gui.workflows.office import Office
from tests.unit.gui.samples import unlimited

USER = uuid4()


class Replicas(Remembered):
    """What the other replicas wrote into Redis."""

    def __init__(self, known: sessions.Session) -> None:
        super().__init__(None, timedelta(days=1), "a secret")
        self.known = known

    async def find(self, browser: str) -> sessions.Session | None:
        return self.known


def session(generation: int) -> sessions.Session:
    claims = Claims(sub="ada", roles=(Role.VIEWER,), user_id=USER, session_id=uuid4())
    return sessions.Session(claims=claims, signed_in_at=datetime.now(UTC), generation=generation)


@pytest.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> Entry:
    """Elsewhere ada signed in again, after the password was changed."""
    monkeypatch.setattr(Entry, "remember", lambda self: None)
    bus = InMemoryBus()
    people = await Standings(bus).start()
    await bus.put(subjects.KV_USERS, USER.hex, UserStanding(name="ada", roles=(Role.VIEWER,), generation=2, disabled=False))
    more: Any = {"feed": None, "logouts": None}
    dashboard = Dashboard(
        bus=bus,
        keyring=Keyring(),
        guard=Guard(None),
        take=unlimited,
        people=people,
        remembered=Replicas(session(2)),
        lasts=timedelta(days=1),
        **more,
    )
    return Entry(dashboard, {}, "b" * 64, "10.0.0.7")


async def test_a_login_that_is_over_here_gives_way_to_one_that_another_replica_knows(door: Entry) -> None:
    sessions.sign_in(door.storage, session(1))
    assert door.claims() is None
    await door.recall()
    assert door.claims() is not None


async def test_a_browser_that_was_logged_out_here_is_not_let_in_by_what_others_remember(door: Entry) -> None:
    sessions.sign_in(door.storage, session(2))
    sessions.sign_out(door.storage)
    await door.recall()
    assert door.claims() is None


async def test_a_page_that_stays_open_may_do_what_its_viewer_may_now(door: Entry) -> None:
    sessions.sign_in(door.storage, session(2))
    desk, office = Desk(door.dashboard.bus, door.claims, unlimited), Office(door.dashboard.bus, door.claims, unlimited)
    standing = UserStanding(name="ada", roles=(Role.DEVELOPER,), generation=2, disabled=False)
    await door.dashboard.bus.put(subjects.KV_USERS, USER.hex, standing)
    assert desk.claims.roles == office.claims.roles == (Role.DEVELOPER,)
    await door.dashboard.bus.put(subjects.KV_USERS, USER.hex, standing.model_copy(update={"disabled": True}))
    with pytest.raises(SessionOver):
        await desk.cancel(uuid4())
    with pytest.raises(SessionOver):
        await office.list(ListWorkflows())
