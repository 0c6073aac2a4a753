"""What the pages of this process share."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bus.client import Bus
from bus.guarding.guard import Guard
from bus.messages import Claims
from bus.standing import Standings
from gui import sessions
from gui.counted import Take
from gui.feed import Feed
from gui.keyring import Keyring
from gui.logouts import Logouts
from gui.remembered import Remembered


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """`lasts` is how long a login holds."""

    bus: Bus
    feed: Feed
    keyring: Keyring
    guard: Guard
    take: Take
    people: Standings
    remembered: Remembered
    logouts: Logouts
    lasts: timedelta

    def claims(self, storage: sessions.Storage) -> Claims | None:
        """Of whoever has this browser storage, as long as they are welcome."""
        return sessions.claims_of(storage, self.keyring, self.people, datetime.now(UTC), self.lasts)
