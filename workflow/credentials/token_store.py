"""The tokens of credentials that a person connected: sealed like the credentials, refreshed by one engine at a time."""

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from bus.database import NamedStatements, available
from bus.vault import Vault
from workflow.credentials.oauth_requests import TIMEOUT_SECONDS, Token
from workflow.credentials.store import TOKENS, Opened
from workflow.sql import queries

EARLY: Final = timedelta(seconds=30)
"""A token that expires sooner is not used any more: the request takes time too."""
CLAIM: Final = timedelta(seconds=TIMEOUT_SECONDS + 15)
"""Longer than asking can take, so that nobody asks beside one who is still at it."""
CONNECT: Final = timedelta(minutes=15)
MOST_CONNECTS: Final = 10
"""Under way for one credential: the oldest of more are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    access: str = field(repr=False)
    secret: str | None = field(repr=False)
    refresh: str | None = field(repr=False)
    version: int
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is known until the provider sends a browser back. `verifier`: PKCE's, or the secret of OAuth 1's request `token`.

    `purpose`: what the credential was for when it was begun.
    """

    redirect_uri: str
    verifier: str = field(repr=False)
    token: str = field(default="", repr=False)
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """One that was begun, and that is taken with this."""

    credential_id: UUID
    begun_by: str
    tenant: str
    pending: Pending
    expired: bool


class TokenStore:
    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._statements, self._vault = NamedStatements(pool, queries()), vault

    async def held(self, credential: Opened) -> Held | None:
        """None where nobody connected it. CredentialUnreadable, DatabaseUnavailable."""
        with available():
            row = await self._statements.one("get_tokens", credential.id, EARLY)
        if row is None:
            return None
        found = self._vault.open(row["key_id"], row["sealed"], _about(credential))
        kept = {name: found.get(name) for name in ("refresh", "secret")}
        return Held(access=found["access"], **kept, version=row["version"], expired=row["expired"])

    async def claim(self, credential: Opened, version: int, by: UUID) -> bool:
        """Whether `by` is who refreshes now."""
        with available():
            return await self._statements.one("claim_refresh", credential.id, version, by, CLAIM) is not None

    async def leave(self, credential: Opened, version: int, by: UUID) -> None:
        """It came to nothing: another may try at once."""
        with available():
            await self._statements.run("end_refresh", credential.id, version, by)

    async def refreshed(self, credential: Opened, version: int, token: Token) -> None:
        """In the place of that version alone: what somebody connected meanwhile stays."""
        key_id, sealed = self._sealed(credential, token)
        with available():
            await self._statements.one(
                "store_refreshed", credential.id, version, sealed, key_id, _span(token), token.refresh is not None
            )

    async def drop(self, credential: Opened, version: int) -> None:
        with available():
            await self._statements.run("drop_tokens", credential.id, version)

    async def connected(self, credential: Opened, token: Token) -> bool:
        """False where the credential was changed meanwhile, or is gone: the token is for what it was."""
        key_id, sealed = self._sealed(credential, token)
        with available():
            row = await self._statements.one(
                "store_connected", credential.id, credential.sealed, sealed, key_id, _span(token), token.refresh is not None
            )
        return row is not None

    async def begin(self, credential: Opened, state: str, by: tuple[str, str], pending: Pending) -> datetime:
        """`by`: who, and of which tenant. Until when it may come back."""
        key_id, sealed = self._vault.seal(asdict(pending), _hash(state))
        with available():
            await self._statements.run("drop_old_connects", credential.id, MOST_CONNECTS - 1)
            row = await self._statements.one("begin_connect", _hash(state), credential.id, *by, sealed, key_id, CONNECT)
        until: datetime = row["expires_at"]  # type: ignore[index]
        return until

    async def take(self, state: str) -> Connect | None:
        """Once: whoever brings the state again finds nothing."""
        with available():
            row: Any = await self._statements.one("take_connect", _hash(state))
        if row is None:
            return None
        found = self._vault.open(row["key_id"], row["sealed"], _hash(state))
        return Connect(
            credential_id=row["credential_id"],
            begun_by=row["begun_by"],
            tenant=row["tenant"],
            pending=Pending(**found),
            expired=row["expired"],
        )

    def _sealed(self, credential: Opened, token: Token) -> tuple[str, bytes]:
        kept = {"access": token.access, "refresh": token.refresh, "secret": token.secret}
        return self._vault.seal(kept, _about(credential))


def _about(credential: Opened) -> str:
    return credential.about + TOKENS


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _span(token: Token) -> timedelta | None:
    return None if token.seconds is None else timedelta(seconds=token.seconds)
