"""How users stand, told to the doors on the bus (ADR 0059): whoever is disabled is refused at the next request, everywhere."""

from typing import Any
from uuid import UUID

from bus import subjects
from bus.client import Bus
from bus.messages import Role
from bus.messages.people import UserStanding
from coordinator.store.database import Statements, available


class Standings:
    """The bucket of users, and the part of the bucket of keys that follows from it."""

    def __init__(self, bus: Bus, statements: Statements) -> None:
        self._bus, self._sql = bus, statements

    async def tell(self, user_id: UUID) -> None:
        """Until what was told is what the record holds: another coordinator may tell of the same user at this moment."""
        key, told = user_id.hex, False
        standing: UserStanding | None = None
        while True:
            now = (await self._held(user_id)).get(key)
            if told and now == standing:
                return
            if now is None:
                await self._bus.delete(subjects.KV_USERS, key)
            else:
                await self._bus.put(subjects.KV_USERS, key, now)
            standing, told = now, True

    async def mirror(self) -> None:
        """Make the doors' copy equal to the record."""
        for user_id in await self._held(None):
            await self.tell(UUID(user_id))
        shown = set(await self._bus.keys(subjects.KV_USERS))
        for stale in shown - (await self._held(None)).keys():  # read again: a new user is in the record before it is told
            await self._bus.delete(subjects.KV_USERS, stale)

    async def _held(self, user_id: UUID | None) -> dict[str, UserStanding]:
        with available():
            return {row["id"].hex: _standing(row) for row in await self._sql.all("standings", user_id)}


def _standing(row: Any) -> UserStanding:
    return UserStanding(
        name=row["name"],
        roles=tuple(Role(role) for role in row["roles"]),
        tenant=row["tenant"],
        generation=row["generation"],
        disabled=row["disabled"],
        ended=tuple(row["ended"]),
    )
