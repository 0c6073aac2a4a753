"""Sessions: begun by a login, gone on with by refresh tokens or by a browser, ended by a logout or when a used token comes back."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from bus import auth, subjects, telemetry, tokens
from bus.auth import Permission
from bus.errors import LoginFailed, NotFound, PermissionDenied, SessionOver, UserDisabled, UserExists
from bus.guarding.guard import Guard
from bus.messages import Claims, NoReply, Role
from bus.messages.people import (
    Browser,
    BrowserSession,
    EndSession,
    Refresh,
    SignIn,
    SignInExternally,
    SigningKeyList,
    Tokens,
)
from bus.service import Call, Service
from coordinator.endpoints import service, verb
from coordinator.people import passwords
from coordinator.people.signing import SigningKeys
from coordinator.people.standing import Standings
from coordinator.store.database import Statements, available

logger = telemetry.log(__name__)

DOOR: Final = "login"
"""By which name the guard knows passwords."""
REFRESH_PREFIX: Final = "hive-refresh-"
WRONG: Final = "The name or the password is wrong."


class Sessions:
    """`lasts`: from a login on, however often its token is refreshed."""

    def __init__(
        self, statements: Statements, standings: Standings, signing: SigningKeys, lasts: timedelta, guard: Guard
    ) -> None:
        self._sql, self._standings, self._signing, self._lasts, self._guard = statements, standings, signing, lasts, guard

    def service(self) -> Service:
        manage = Permission.USERS_MANAGE
        return service(
            subjects.SERVICE_SESSIONS,
            "Logins of people",
            verb("login", SignIn, self._login, None, "Tokens for a name and a password"),
            verb("refresh", Refresh, self._refresh, None, "The next tokens"),
            verb("enter", SignIn, self._enter, manage, "A name and a password for the dashboard"),
            verb("enter_externally", SignInExternally, self._enter_externally, manage, "Whom an OpenID provider vouches for"),
            verb("recall", Browser, self._recall, manage, "The session of a browser of the dashboard"),
            verb("logout", EndSession, self._logout, None, "End one's own session"),
            verb("signing_keys", NoReply, self._keys, manage, "The keys that tokens are signed with"),
            verb("rotate", NoReply, self._rotate, manage, "Sign with a new key"),
            verb("forget", NoReply, self._forget, manage, "End what older keys signed, at once"),
        )

    async def _login(self, call: Call[SignIn]) -> Tokens:
        user = await self._checked(call.body)
        return await self._tokens(await self._begin(user, None), user["generation"])

    async def _enter(self, call: Call[SignIn]) -> BrowserSession:
        user = await self._checked(call.body)
        return await self._browser(user, call.body.browser)

    async def _enter_externally(self, call: Call[SignInExternally]) -> BrowserSession:
        """The user is made at the first time, and has the roles that the provider told last."""
        said = call.body
        roles = [role.value for role in dict.fromkeys(said.roles)]
        try:
            with available():
                [user] = await self._sql.all("upsert_external", said.issuer, said.subject, said.name, roles)
        except asyncpg.UniqueViolationError:
            raise UserExists(
                f"There is, or was, a user {said.name} who does not sign in at this provider. Have your name at the provider changed."
            ) from None
        if user["disabled_at"] is not None:
            raise UserDisabled(f"The user {user['name']} is disabled. Whoever manages users can enable it.")
        await self._standings.tell(user["id"])
        return await self._browser(user, said.browser)

    async def _browser(self, user: Any, browser: str | None) -> BrowserSession:
        claims = await self._begin(user, browser)
        return BrowserSession(claims=claims, generation=user["generation"], signed_in_at=datetime.now(UTC))

    async def _checked(self, given: SignIn) -> Any:
        """The user's row. LoginFailed, UserDisabled, TooManyAttempts. Each door's logins come in here."""
        attempt = await self._guard.begin(DOOR, given.address or "", given.name)
        with available():
            user = await self._sql.one("user_secret", given.name)
        stored = None if user is None else user["password_hash"]
        right = await passwords.matches(given.password, stored)
        if user is None or stored is None or not right:
            await self._guard.failed(attempt)
            raise LoginFailed(WRONG)
        await self._guard.succeeded(attempt)
        if user["disabled_at"] is not None:
            raise UserDisabled(f"The user {given.name} is disabled. Whoever manages users can enable it.")
        if passwords.is_dated(stored):
            await self._sql.run("rehash_password", user["id"], stored, await passwords.hashed(given.password))
        return user

    async def _begin(self, user: Any, browser: str | None) -> Claims:
        with available():
            row = await self._sql.one(
                "insert_session", user["id"], user["generation"], browser, datetime.now(UTC) + self._lasts
            )
        if row is None:
            raise LoginFailed("The user was changed at this moment. Sign in again.")
        logger.info("signed_in", user=user["name"], session_id=str(row["id"]))
        return _claims(user, row["id"])

    async def _tokens(self, claims: Claims, generation: int) -> Tokens:
        """With the session's next refresh token."""
        now, refresh = datetime.now(UTC), REFRESH_PREFIX + secrets.token_urlsafe(32)
        access = await self._signing.sign(claims, generation, now)
        with available():
            row = await self._sql.one("insert_refresh_token", auth.hash_key(refresh), claims.session_id)
        if row is None:
            raise _over()
        left = int((row["expires_at"] - now).total_seconds())
        return Tokens(access_token=access, expires_in=tokens.ACCESS_SECONDS, refresh_token=refresh, refresh_expires_in=left)

    async def _refresh(self, call: Call[Refresh]) -> Tokens:
        """Once: the row that is marked is the proof. Who shows a marked one has a copy, or gave one away: the session ends."""
        shown = auth.hash_key(call.body.refresh_token)
        with available():
            user = await self._sql.one("use_refresh_token", shown)
            if user is None:
                used = await self._sql.one("used_refresh_token", shown)
        if user is not None:
            return await self._tokens(_claims(user, user["session_id"]), user["generation"])
        if used is not None and used["used_at"] is not None:
            logger.warning("refresh_token_came_again", session_id=str(used["session_id"]))
            await self._end(used["session_id"])
        raise _over()

    async def _recall(self, call: Call[Browser]) -> BrowserSession:
        with available():
            user = await self._sql.one("session_of_browser", call.body.browser)
        if user is None:  # as of most who open the page of the login: nobody was refused anything
            raise NotFound("No session that goes on is known of this browser. Sign in.")
        claims = _claims(user, user["session_id"])
        return BrowserSession(claims=claims, generation=user["generation"], signed_in_at=user["created_at"])

    async def _logout(self, call: Call[EndSession]) -> NoReply:
        if call.claims.session_id != call.body.session_id and not auth.allows(call.claims, Permission.USERS_MANAGE):
            raise PermissionDenied("This is another one's session.")
        await self._end(call.body.session_id)
        return NoReply()

    async def _end(self, session_id: UUID) -> None:
        with available():
            row = await self._sql.one("end_session", session_id)
        if row is not None:
            await self._standings.tell(row["user_id"])

    async def _keys(self, _call: Call[NoReply]) -> SigningKeyList:
        return SigningKeyList(keys=tuple(await self._signing.all()))

    async def _rotate(self, _call: Call[NoReply]) -> SigningKeyList:
        return SigningKeyList(keys=tuple(await self._signing.rotate()))

    async def _forget(self, _call: Call[NoReply]) -> SigningKeyList:
        return SigningKeyList(keys=tuple(await self._signing.forget_old()))


def _over() -> SessionOver:
    return SessionOver("The session is over: it has expired, was logged out, or the user was changed. Sign in again.")


def _claims(user: Any, session_id: UUID) -> Claims:
    roles = tuple(Role(role) for role in user["roles"])
    return Claims(sub=user["name"], roles=roles, tenant=user["tenant"], user_id=user["id"], session_id=session_id)
