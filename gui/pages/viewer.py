"""One open page as the feed sees it."""

from collections.abc import Callable

from nicegui import Client

from bus.messages import Claims
from gui.elements.parts import Live
from gui.frames import Frame
from gui.pages import way_in
from gui.sight import Sight


class PageViewer:
    """Sends frames to the browser while it is there. Shows it out when the login no longer holds, and opens the page anew when whoever
    looks has other rights than the page was made for.
    """

    def __init__(self, live: Live, claims: Claims, now: Callable[[], Claims | None]) -> None:
        self.sight, self.since = Sight.of(claims), 0
        self._live, self._claims, self._now = live, claims, now

    @property
    def _client(self) -> Client:
        return self._live.client

    def show(self, frame: Frame) -> bool:
        if not self._client.has_socket_connection:
            return False
        if self._now() != self._claims:
            self.review()
            return False
        self._live.call("frame", frame.plain)
        return True

    def review(self) -> None:
        if self._client.has_socket_connection and (claims := self._now()) != self._claims:
            self._client.open(way_in.login_from(self._client) if claims is None else way_in.address_of(self._client))
