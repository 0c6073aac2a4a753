"""Tokens of OAuth 2: got by the client's own right when first needed and kept in memory, or refreshed from what a person connected."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4

from bus import telemetry
from bus.errors import DatabaseUnavailable, GrantRefused, HiveError, RequestRefused
from bus.together import end
from workflow.core.effects import CallHttp
from workflow.credentials.http_auth import HttpAuth, cleared
from workflow.credentials.oauth1 import token_in
from workflow.credentials.oauth_requests import Token, for_client, for_refresh, place, token_of
from workflow.credentials.store import Opened
from workflow.credentials.token_store import EARLY, Held, TokenStore
from workflow.credentials.types import grant_of
from workflow.outside.http_calls import HttpCalls

logger = telemetry.log(__name__)

DEFAULT_SECONDS: Final = 300.0
MAX_TOKENS: Final = 1000
AGAIN_SECONDS: Final = 0.1
"""How often is looked for what another engine is getting."""
LEAVE_SECONDS: Final = 5.0
"""For refreshes under way, when an engine stops."""


class Tokens:
    def __init__(self, http: HttpCalls, store: TokenStore) -> None:
        self._http, self.store = http, store
        self._tokens: dict[UUID, tuple[Any, str, float]] = {}
        self._locks: dict[UUID, asyncio.Lock] = {}
        self._refreshes: set[asyncio.Task[str]] = set()

    async def close(self) -> None:
        if self._refreshes:
            await asyncio.wait(self._refreshes, timeout=LEAVE_SECONDS)
        await end(list(self._refreshes))

    async def of(self, credential: Opened, key: str, refused: str = "") -> str:
        """One that holds, and is not the one that was `refused`; that again where there is no way to another.

        `key`: of the effect that needs it. RequestRefused where the server gives none, or nobody connected the credential.
        """
        lock = self._locks.setdefault(credential.id, asyncio.Lock())
        async with lock:  # side by side they would each ask for one
            if grant_of(credential.type, credential.data) == "clientCredentials":
                return await self._of_client(credential, key, refused)
            return await self._of_person(credential, key, refused)

    async def _of_client(self, credential: Opened, key: str, refused: str) -> str:
        stamp, token, until = self._tokens.get(credential.id, (None, "", 0.0))
        if stamp != credential.stamp or until < monotonic() or token == refused:
            got = await self.asked(credential, *for_client(credential.data, f"{key}.token"))
            token, seconds = got.access, got.seconds or DEFAULT_SECONDS
            if len(self._tokens) >= MAX_TOKENS:
                self._tokens.clear()
            self._tokens[credential.id] = (credential.stamp, token, monotonic() + max(0.0, seconds - EARLY.total_seconds()))
        return token

    async def _of_person(self, credential: Opened, key: str, refused: str) -> str:
        by = uuid4()
        while True:
            held: Held | None = await _patiently(self.store.held, credential)
            if held is None:
                raise RequestRefused(f"The credential {credential.name!r} is not connected. {anew(credential)}")
            if not held.expired and held.access != refused:
                return held.access
            if held.refresh is None:
                if not held.expired:
                    return held.access
                raise RequestRefused(
                    f"The token of {credential.name!r} has expired, and the provider gave none to refresh it. {anew(credential)}"
                )
            if await _patiently(self.store.claim, credential, held.version, by):
                return await self._apart(self._refreshed(credential, held, held.refresh, key, by))
            await asyncio.sleep(AGAIN_SECONDS)

    async def _apart(self, refresh: Coroutine[Any, Any, str]) -> str:
        """Goes on when the execution that asked is stopped: the provider may have replaced the refresh token by then."""
        task = asyncio.create_task(refresh)
        self._refreshes.add(task)
        task.add_done_callback(self._refreshes.discard)
        return await asyncio.shield(task)

    async def _refreshed(self, credential: Opened, held: Held, refresh: str, key: str, by: UUID) -> str:
        """What replaces the refresh token is stored before the access token is used: a provider takes the old one no more."""
        try:
            token = await self.asked(credential, *for_refresh(credential.data, refresh, f"{key}.refresh.{held.version}"))
        except GrantRefused as error:
            await _patiently(self.store.drop, credential, held.version)
            logger.warning("credential_refresh_refused", id=str(credential.id), name=credential.name)
            raise RequestRefused(f"{error.message} The connection has ended. {anew(credential)}") from None
        except BaseException:
            await _patiently(self.store.leave, credential, held.version, by)
            raise
        token = Token(access=token.access, refresh=token.refresh or refresh, seconds=token.seconds)
        await _patiently(self.store.refreshed, credential, held.version, token)
        logger.info("credential_refreshed", id=str(credential.id), name=credential.name)
        return token.access

    async def signing(self, credential: Opened) -> Token:
        """What requests are signed with by OAuth 1: of whoever connected it, else as it was entered. RequestRefused where there is none."""
        held: Held | None = await _patiently(self.store.held, credential)
        token = Token(access=held.access, secret=held.secret) if held is not None else token_in(credential.data)
        if token is None:
            raise RequestRefused(f"The credential {credential.name!r} is not connected. {anew(credential)}")
        return token

    async def asked(
        self,
        credential: Opened,
        effect: CallHttp,
        auth: HttpAuth,
        read: Callable[[Mapping[str, Any], str], Token] = token_of,
    ) -> Token:
        """`read`: what an answer says. What comes back is not cleared of the secrets, but what is said of it is: a provider may give the same
        refresh token again. It waits for no request of a workflow, and for no other owner's server: a claim to refresh runs out."""
        reply = await self._http.carry_out(effect, replace(auth, secrets=()), f"{credential.owner}\0tokens")
        try:
            if reply.failure is not None:
                raise RequestRefused(f"No token was got from {place(effect.url)}: {reply.failure.message}")
            return read(reply.value, effect.url)
        except HiveError as error:
            error.message = str(cleared(error.message, auth.secrets))
            raise


def anew(credential: Opened) -> str:
    return f"Connect it anew: `hive credential connect {credential.id}`, or POST /api/credentials/{credential.id}/connect."


async def _patiently(ask: Any, *arguments: Any) -> Any:
    """A token that a provider gave must not be lost because the database is away for a moment."""
    while True:
        try:
            return await ask(*arguments)
        except DatabaseUnavailable:
            await asyncio.sleep(AGAIN_SECONDS)
