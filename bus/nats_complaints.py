"""Why there is no connection to NATS, in words: nats-py tries again for ever and tells only its error callback what is wrong."""

import re
import socket
from collections.abc import Callable

from bus import telemetry

logger = telemetry.log(__name__)

REFUSED = "it does not take the user and password of NATS_URL"
REFUSED_KEY = "it does not let this host in: the hive knows its key no more, or no coordinator is there to say so yet; in the first case join again: hive join TOKEN"


class Complaints:
    """The error callback of one client. A reason is logged when it is new, so that who waits for the bus knows for what; `refused`: that of
    a login which is not taken.
    """

    def __init__(self, name: str, url: str, connected: Callable[[], bool], refused: str = REFUSED) -> None:
        self._name, self._servers, self._connected, self._refused = name, without_password(url), connected, refused
        self._reason: str | None = None

    async def heard(self, error: Exception) -> None:
        if self._connected():
            if "permissions violation" in str(error).lower():
                logger.warning("bus_permission_denied", connection=self._name, reason=str(error))
                return
            logger.debug("bus_error", error=str(error) or type(error).__name__)
            return
        reason = in_words(error, self._refused)
        if reason is not None and reason != self._reason:
            self._reason = reason
            logger.warning("bus_awaited", connection=self._name, servers=self._servers, reason=reason)

    def forget(self) -> None:
        """The connection is back: the next loss is told anew."""
        self._reason = None

    @property
    def sentence(self) -> str:
        return (
            f"No connection to NATS at {self._servers}: {self._reason or 'no answer in time'}. "
            "Check that nats-server runs and that NATS_URL is right."
        )


def in_words(error: Exception, refused: str = REFUSED) -> str | None:
    """None for what only follows from the error before: the server hangs up on whom it has refused."""
    if isinstance(error, ConnectionResetError):
        return None
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if "authorization" in str(error).lower():
        return refused
    return str(error) or "no answer in time"


def without_password(url: str) -> str:
    """NATS_URL as it may be shown and logged; several servers by comma."""
    return re.sub(r"//[^/@,]*@", "//", url)
