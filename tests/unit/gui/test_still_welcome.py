"""A page that stays open does what its visitor may do now, and not what they might when it was opened."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from bus.errors import SessionOver
from bus.messages import Claims, Role
from bus.testing import InMemoryBus
from gui.desk import Desk
from gui.frames import Frame
from gui.pages import way_in
from gui.pages.viewer import PageViewer
from gui.workflows.office import Office
from tests.unit.gui.samples import unlimited

ADMIN = Claims(sub="anna", roles=(Role.ADMIN,))
VIEWER = Claims(sub="anna", roles=(Role.VIEWER,))
DEVELOPER = Claims(sub="anna", roles=(Role.DEVELOPER,))


class Page:
    """As much of a live page as its viewer touches."""

    def __init__(self, claims: Claims | None) -> None:
        self.claims, self.told = claims, list[str]()
        self.client = SimpleNamespace(has_socket_connection=True, open=self.told.append, run_javascript=self.told.append)

    def call(self, name: str, _frame: Any) -> None:
        self.told.append(name)


async def test_an_order_needs_a_login_that_holds() -> None:
    page = Page(ADMIN)
    desk = Desk(InMemoryBus(), lambda: page.claims, unlimited)
    page.claims = VIEWER
    assert desk.claims == VIEWER
    page.claims = None
    for order in (desk.cancel, desk.requeue, desk.get, desk.explain):
        with pytest.raises(SessionOver):
            await order(uuid4())
    with pytest.raises(SessionOver):
        await Office(InMemoryBus(), lambda: page.claims, unlimited).delete(uuid4())


@pytest.mark.parametrize(("now", "told"), [(ADMIN, "frame"), (VIEWER, "location.reload()"), (None, "/login")])
def test_a_page_shows_what_may_be_seen_now(monkeypatch: pytest.MonkeyPatch, now: Claims | None, told: str) -> None:
    monkeypatch.setattr(way_in, "login_from", lambda _client: "/login")
    page = Page(now)
    viewer = PageViewer(cast("Any", page), ADMIN, lambda: page.claims)
    assert viewer.show(cast("Frame", SimpleNamespace(plain={}))) is (now is ADMIN)
    assert page.told == [told]


def test_who_sees_the_same_and_may_do_more_gets_a_page_that_offers_it() -> None:
    page = Page(DEVELOPER)
    PageViewer(cast("Any", page), VIEWER, lambda: page.claims).review()
    assert page.told == ["location.reload()"]
