"""One open page as the feed sees it."""

from collections.abc import Callable

from nicegui import Client

from gui.elements.parts import Live
from gui.frames import Frame
from gui.pages import way_in
from gui.sight import Sight


class PageViewer:
    """Sends frames to the browser while it is there, and shows it out when the login no longer holds."""

    def __init__(self, live: Live, sight: Sight, still_welcome: Callable[[], bool]) -> None:
        self.sight, self.since = sight, 0
        self._live, self._still_welcome = live, still_welcome

    @property
    def _client(self) -> Client:
        return self._live.client

    def show(self, frame: Frame) -> bool:
        if not self._client.has_socket_connection:
            return False
        if not self._still_welcome():
            self.review()
            return False
        self._live.call("frame", frame.plain)
        return True

    def review(self) -> None:
        if self._client.has_socket_connection and not self._still_welcome():
            self._client.open(way_in.login_from(self._client))
