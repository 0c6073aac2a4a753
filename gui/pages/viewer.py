"""One open page as the feed sees it."""

from collections.abc import Callable

from nicegui import Client

from bus.messages import Claims
from gui.elements.parts import Live
from gui.frames import Frame
from gui.pages import way_in
from gui.sight import Sight


class PageViewer:
    """Sends frames to the browser while it is there, and shows it out when the login no longer holds. Who has other rights than when
    the page was opened, by which it offers what it does, sees nothing more on it, and gets it anew.
    """

    def __init__(self, live: Live, claims: Claims, still: Callable[[], Claims | None]) -> None:
        self.sight, self.since = Sight.of(claims), 0
        self._live, self._claims, self._still = live, claims, still

    @property
    def _client(self) -> Client:
        return self._live.client

    def show(self, frame: Frame) -> bool:
        if not self._client.has_socket_connection:
            return False
        if self._still() != self._claims:
            self.review()
            return False
        self._live.call("frame", frame.plain)
        return True

    def review(self) -> None:
        claims = self._still()
        if claims == self._claims or not self._client.has_socket_connection:
            return
        if claims is None:
            self._client.open(way_in.login_from(self._client))
        else:
            self._client.run_javascript("location.reload()")
