"""One open page as the feed sees it."""

from collections.abc import Callable

from nicegui import Client

from gui.elements.parts import Live
from gui.frames import Frame


class PageViewer:
    """Sends frames to the browser while it is there, and shows it out when the login no longer holds."""

    def __init__(self, live: Live, owner: str | None, still_welcome: Callable[[], bool]) -> None:
        self.owner, self.since = owner, 0
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
            self._client.open("/login")
