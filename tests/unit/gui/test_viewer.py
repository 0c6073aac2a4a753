"""An open page is of the rights of now, not of those that it was opened with."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from starlette.datastructures import URL

from bus.errors import SessionOver
from bus.messages import Claims, Role
from bus.messages.workflows import ListWorkflows
from gui.desk import Desk
from gui.pages.viewer import PageViewer
from gui.workflows.office import Office

ADA, ADA_VIEWS = Claims(sub="ada", roles=(Role.ADMIN,)), Claims(sub="ada", roles=(Role.VIEWER,))


class Page:
    """Stands for the element and its client. `shown` are frames, `opened` the addresses that it was sent to."""

    has_socket_connection = True

    def __init__(self, url: str) -> None:
        self.request = SimpleNamespace(url=URL(url))
        self.client, self.shown, self.opened = self, list[Any](), list[str]()

    def call(self, _: str, frame: object) -> None:
        self.shown.append(frame)

    def open(self, address: str) -> None:
        self.opened.append(address)


@pytest.mark.parametrize(
    ("now", "sent"), [(ADA, []), (ADA_VIEWS, ["/tasks?status=failed"]), (None, ["/login?next=/tasks%3Fstatus%3Dfailed"])]
)
def test_whoever_has_other_rights_than_the_page_was_made_for_is_shown_nothing_of_it(
    now: Claims | None, sent: list[str]
) -> None:
    page = Page("http://hive.example/tasks?status=failed")
    viewer = PageViewer(cast(Any, page), ADA, lambda: now)
    assert viewer.show(cast(Any, SimpleNamespace(plain={}))) == (now == ADA)
    assert (len(page.shown), page.opened) == (int(now == ADA), sent)
    page.opened.clear()
    viewer.review()
    assert page.opened == sent


def test_an_open_page_asks_in_the_name_of_whoever_is_welcome_now() -> None:
    asked = list[Claims]()

    class Bus:
        async def request(self, *_: object, claims: Claims, **__: object) -> None:
            asked.append(claims)

    held: list[Claims | None] = [ADA, ADA_VIEWS, None]

    def asker() -> Claims:
        if (claims := held[0]) is None:
            raise SessionOver("Over.")
        return claims

    desk, office = Desk(cast(Any, Bus()), asker), Office(cast(Any, Bus()), asker)
    while held:
        orders = (desk.cancel(uuid4()), office.list(ListWorkflows()), office.delete(uuid4()))
        for order in orders:
            if held[0] is None:
                with pytest.raises(SessionOver):
                    asyncio.run(order)
            else:
                asyncio.run(order)
        held.pop(0)
    assert asked == [ADA] * 3 + [ADA_VIEWS] * 3
