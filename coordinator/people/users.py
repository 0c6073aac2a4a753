"""Users: made, listed, disabled, removed. The record is PostgreSQL's; the doors read how each stands on the bus."""

from typing import Any
from uuid import UUID

from bus import auth, subjects, telemetry
from bus.auth import Permission
from bus.errors import Conflict, LastAdmin, LoginFailed, PermissionDenied, UserExists, UserNotFound
from bus.guarding.guard import Guard
from bus.messages import Claims, NoReply, Role
from bus.messages.people import ChangePassword, CreateUser, SetPassword, SetRoles, UserList, UserRecord, UserRef
from bus.service import Call, Service
from bus.tenancy import scope
from coordinator.endpoints import service, verb
from coordinator.keys import Keys
from coordinator.people import passwords
from coordinator.people.standing import Standings
from coordinator.store.database import Statements, available

logger = telemetry.log(__name__)


class Users:
    def __init__(self, statements: Statements, keys: Keys, standings: Standings, guard: Guard) -> None:
        self._sql, self._keys, self._standings, self._guard = statements, keys, standings, guard

    def service(self) -> Service:
        manage = Permission.USERS_MANAGE
        return service(
            subjects.SERVICE_USERS,
            "People who sign in",
            verb("create", CreateUser, self._create, manage, "A new user"),
            verb("list", NoReply, self._list, manage, "Every user"),
            verb("disable", UserRef, self._disable, manage, "Refuse a user, and the user's keys, from now on"),
            verb("enable", UserRef, self._enable, manage, "Take that back"),
            verb("roles", SetRoles, self._roles, manage, "Give other roles"),
            verb("password", SetPassword, self._password, manage, "Set a password; sessions end"),
            verb("remove", UserRef, self._remove, manage, "Forget a user; keys are revoked"),
            verb("change_password", ChangePassword, self._change_password, None, "Change one's own password; sessions end"),
        )

    async def _create(self, call: Call[CreateUser]) -> UserRecord:
        asked = call.body
        if scope(call.claims) not in (None, asked.tenant):
            raise PermissionDenied(f"You manage the users of {call.claims.tenant}, and none of {asked.tenant}.")
        _require_no_more(call.claims, asked.name, asked.roles, asked.tenant)
        if asked.password is not None:
            passwords.require_strong(asked.password, asked.name)
        stored = await passwords.hashed(asked.password) if asked.password is not None else None
        roles = [role.value for role in dict.fromkeys(asked.roles)]
        with available():
            row = await self._sql.one("insert_user", asked.name, roles, stored, asked.tenant)
        if row is None:
            raise UserExists(f"There is a user {asked.name}. `hive users list` shows all; roles and password can be changed.")
        return await self._changed(asked.name, row["id"], "user_created", call.claims)

    async def _list(self, call: Call[NoReply]) -> UserList:
        with available():
            return UserList(users=tuple(_record(row) for row in await self._sql.all("users", scope(call.claims))))

    async def _disable(self, call: Call[UserRef]) -> UserRecord:
        user_id = await self._change(call, call.body.name, disable=True)
        await self._keys.follow(user_id)
        return await self._changed(call.body.name, user_id, "user_disabled", call.claims)

    async def _enable(self, call: Call[UserRef]) -> UserRecord:
        with available():
            row = await self._sql.one("enable_user", call.body.name, scope(call.claims))
        if row is None:
            raise _nobody(call.body.name)
        await self._keys.follow(row["id"])
        return await self._changed(call.body.name, row["id"], "user_enabled", call.claims)

    async def _roles(self, call: Call[SetRoles]) -> UserRecord:
        found = await self._found(call.body.name, scope(call.claims))
        _require_no_more(call.claims, found.name, call.body.roles, found.tenant)
        user_id = await self._change(call, call.body.name, roles=call.body.roles)
        return await self._changed(call.body.name, user_id, "user_roles_changed", call.claims)

    async def _remove(self, call: Call[UserRef]) -> NoReply:
        user_id = await self._change(call, call.body.name, remove=True)
        with available():
            await self._sql.run("revoke_keys_of_user", user_id)
        await self._standings.tell(user_id)
        await self._keys.follow(user_id)
        logger.info("user_removed", user=call.body.name, by=call.claims.sub)
        return NoReply()

    async def _password(self, call: Call[SetPassword]) -> UserRecord:
        found = await self._found(call.body.name, scope(call.claims))
        _require_no_more(call.claims, found.name, found.roles, found.tenant)
        await self._set_password(found.id, found.name, call.body.password)
        return await self._changed(found.name, found.id, "password_set", call.claims)

    async def _change_password(self, call: Call[ChangePassword]) -> NoReply:
        """Of whoever signed in: a key is not asked for, and cannot know the password. A token that got out must not guess it: TooManyAttempts."""
        if call.claims.user_id is None:
            raise PermissionDenied(
                "Who came with a key, or by a link, has no password to change. Sign in with name and password."
            )
        with available():
            row = await self._sql.one("user_secret_by_id", call.claims.user_id)
        attempt = await self._guard.begin(passwords.DOOR, call.claims.address or "", call.claims.sub)
        if row is None or not await passwords.matches(call.body.current, row["password_hash"]):
            await self._guard.failed(attempt)
            raise LoginFailed("The current password is wrong.")
        await self._guard.succeeded(attempt)
        await self._set_password(row["id"], row["name"], call.body.new, row["generation"])
        await self._standings.tell(row["id"])
        logger.info("password_changed", user=row["name"])
        return NoReply()

    async def _set_password(self, user_id: UUID, name: str, password: str, generation: int | None = None) -> None:
        """`generation`: the one at which the old password was right."""
        passwords.require_strong(password, name)
        stored = await passwords.hashed(password)
        with available():
            if await self._sql.one("set_password", user_id, stored, generation) is None:
                raise Conflict(f"The user {name} was changed meanwhile. Sign in and try again.")

    async def _change(
        self, call: Call[Any], name: str, *, disable: bool = False, remove: bool = False, roles: tuple[Role, ...] | None = None
    ) -> UUID:
        """UserNotFound, LastAdmin."""
        wished = None if roles is None else [role.value for role in dict.fromkeys(roles)]
        with available():
            row = await self._sql.one("change_admin", name, disable, remove, wished, scope(call.claims))
        if row is None or row["id"] is None:
            raise _nobody(name)
        if not row["done"]:
            raise LastAdmin(f"{name} is the last administrator. Make another one first: hive users create NAME --role admin")
        user_id: UUID = row["id"]
        return user_id

    async def _changed(self, name: str, user_id: UUID, event: str, by: Claims) -> UserRecord:
        """Told to the doors before it is answered: what was asked for is true everywhere then."""
        await self._standings.tell(user_id)
        logger.info(event, user=name, by=by.sub)
        return await self._found(name)

    async def _found(self, name: str, tenant: str | None = None) -> UserRecord:
        with available():
            row = await self._sql.one("user", name, tenant)
        if row is None:
            raise _nobody(name)
        return _record(row)


def _require_no_more(by: Claims, name: str, roles: tuple[Role, ...], tenant: str) -> None:
    """Of a person whom `by` makes, promotes, or could sign in as from then on. A person may outlast a key. PermissionDenied."""
    auth.require_no_more(Claims(sub=name, roles=roles, tenant=tenant, expires_at=by.expires_at), by)


def _nobody(name: str) -> UserNotFound:
    return UserNotFound(f"There is no user {name}. `hive users list` shows them.")


def _record(row: Any) -> UserRecord:
    return UserRecord(**{**row, "roles": tuple(Role(role) for role in row["roles"])})
