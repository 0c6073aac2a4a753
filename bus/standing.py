"""How users stand right now, from the bucket that the coordinator keeps: no door asks anybody for it."""

from typing import Self
from uuid import UUID

from bus import auth, subjects
from bus.auth import Permission
from bus.client import Bus
from bus.errors import SessionOver
from bus.messages import Claims
from bus.messages.people import UserStanding
from bus.mirror import Mirror


class Standings:
    """A mirror of the users. Where nothing is known of one, the bucket is asked once: the user may be new."""

    def __init__(self, bus: Bus) -> None:
        self._users = Mirror(bus, subjects.KV_USERS, UserStanding.model_validate_json)

    async def start(self) -> Self:
        await self._users.start()
        return self

    async def close(self) -> None:
        await self._users.close()

    async def look(self, user_id: UUID) -> None:
        """See to it that a user is known, if there is such a one."""
        if (found := await self._users.find(user_id.hex)) is not None:
            self._users.items.setdefault(user_id.hex, found)

    async def claims(self, user_id: UUID, session_id: UUID, generation: int) -> Claims:
        """SessionOver where the session no longer stands."""
        return _claims(await self._users.find(user_id.hex), user_id, session_id, generation)

    def held(self, user_id: UUID, session_id: UUID, generation: int) -> Claims | None:
        """As the bucket last spoke."""
        try:
            return _claims(self._users.items.get(user_id.hex), user_id, session_id, generation)
        except SessionOver:
            return None

    def stands(self, claims: Claims) -> bool:
        """Whether a user may do now, with a session or without, whatever these claims allowed then."""
        found = None if claims.user_id is None else self._users.items.get(claims.user_id.hex)
        if found is None or found.disabled:
            return False
        now = claims.model_copy(update={"roles": found.roles})
        return all(auth.allows(now, each) for each in Permission if auth.allows(claims, each))


def _claims(found: UserStanding | None, user_id: UUID, session_id: UUID, generation: int) -> Claims:
    """With the roles that the user has now. Pure."""
    if found is None or found.disabled or found.generation != generation or session_id in found.ended:
        raise SessionOver("The session is over: it was logged out, or the user was changed. Sign in again.")
    return Claims(sub=found.name, roles=found.roles, tenant=found.tenant, user_id=user_id, session_id=session_id)
