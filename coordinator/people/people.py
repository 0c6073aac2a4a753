"""What has to do with people, held together for the coordinator's composition root."""

from datetime import timedelta

from bus.client import Bus
from bus.guarding.guard import Guard
from bus.service import Service
from bus.vault import FILE_NAME, Vault
from coordinator.keys import Keys
from coordinator.people.sessions import Sessions
from coordinator.people.signing import SigningKeys
from coordinator.people.standing import Standings
from coordinator.people.users import Users
from coordinator.settings import CoordinatorSettings
from coordinator.store.database import Statements


class People:
    """`guard` counts passwords that are wrong, of every door."""

    def __init__(self, bus: Bus, statements: Statements, keys: Keys, settings: CoordinatorSettings, guard: Guard) -> None:
        given = settings.credentials_key.get_secret_value() if settings.credentials_key else None
        self._standings = Standings(bus, statements)
        vault, lasts = Vault(settings.data_dir / FILE_NAME, given), timedelta(days=settings.signing_key_days)
        self._signing = SigningKeys(bus, statements, vault, lasts)
        self._users = Users(statements, keys, self._standings, guard)
        session = timedelta(hours=settings.session_hours)
        self._sessions = Sessions(statements, self._standings, self._signing, session, guard)

    def services(self) -> tuple[Service, ...]:
        return (self._users.service(), self._sessions.service())

    async def mirror(self) -> None:
        """When a coordinator begins to lead: the doors' copies are made equal to the record."""
        await self._standings.mirror()
        await self._signing.mirror()
