"""The credentials that are kept: made, changed, listed without what they hold, and opened for an effect that may use them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from bus import auth, telemetry
from bus.auth import Permission
from bus.database import NamedStatements, available
from bus.errors import Conflict, CredentialNotFound, CredentialUnreadable, DatabaseUnavailable
from bus.messages import Claims
from bus.messages.credentials import ChangeCredential, CreateCredential, CredentialList, CredentialRecord
from bus.vault import Vault
from workflow.credentials import types as credential_types
from workflow.credentials.needed import Reference
from workflow.sql import queries

logger = telemetry.log(__name__)

TOKENS: Final = "\x00tokens"
"""What the seal of a credential's tokens is bound to beside the credential."""
_FIELDS: Final = ("id", "name", "type", "shared", "tenant", "n8n_id", "created_at", "updated_at")

_CONNECTED: Final = ("connected_at", "token_expires_at", "refreshable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A credential with what it holds, for as long as an effect needs it. `stamp` changes whenever it is changed."""

    id: UUID
    type: str
    name: str
    owner: str
    stamp: datetime
    data: Mapping[str, Any] = field(repr=False)
    about: str
    sealed: bytes = field(repr=False)


class Credentials:
    """`required`: fields that a package wants of a type of credential of its own."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault, required: Callable[[str], Sequence[str]] = lambda _: ()) -> None:
        self._statements, self._vault, self._required = NamedStatements(pool, queries()), vault, required

    async def create(self, wish: CreateCredential, claims: Claims) -> CredentialRecord:
        """InvalidRequest, PermissionDenied for another's, Conflict for a name that is taken, CredentialUnreadable without the hive's key."""
        owner = wish.owner or claims.sub
        if owner != claims.sub:
            auth.require(claims, Permission.CREDENTIALS_MANAGE)
        credential_types.check(wish.type, wish.data, self._required(wish.type))
        await self.require_key()
        credential_id = uuid4()
        about = _about(credential_id, wish.type, owner, claims.tenant)
        key_id, sealed = self._vault.seal(wish.data, about)
        fields = _names(wish.data)
        with available(), _unique(wish.type, wish.name):
            row = await self._statements.one(
                "insert_credential",
                *(credential_id, wish.name, wish.type, wish.n8n_id, owner, claims.tenant, wish.shared, fields, sealed, key_id),
            )
        return self._told("credential_created", row, claims)

    async def list(self, claims: Claims) -> CredentialList:
        manages = auth.allows(claims, Permission.CREDENTIALS_MANAGE)
        with available():
            rows = await self._statements.all("list_credentials", claims.tenant, None if manages else claims.sub)
        return CredentialList(credentials=tuple(_record(row) for row in rows))

    async def get(self, credential_id: UUID, claims: Claims) -> CredentialRecord:
        """CredentialNotFound."""
        return _record(await self._row(credential_id, claims, shared=True))

    async def change(self, wish: ChangeCredential, claims: Claims) -> CredentialRecord:
        """CredentialNotFound, InvalidRequest, Conflict when somebody else changed it at the same time."""
        row = await self._row(wish.id, claims)
        await self.require_key()
        about = _about(row["id"], row["type"], row["created_by"], row["tenant"])
        before = self._vault.open(row["key_id"], row["sealed"], about)
        data = before | (wish.data or {})
        data = {name: value for name, value in data.items() if value is not None}
        credential_types.check(row["type"], data, self._required(row["type"]))
        key_id, sealed = self._vault.seal(data, about)
        elsewhere = credential_types.connection(before) != credential_types.connection(data)
        name, shared = wish.name or row["name"], row["shared"] if wish.shared is None else wish.shared
        with available(), _unique(row["type"], name):
            changed = await self._statements.one(
                "update_credential", wish.id, row["sealed"], name, shared, _names(data), sealed, key_id, elsewhere
            )
        if changed is None:
            raise Conflict("Somebody else changed the credential at the same time. Look at it, and change it then.")
        return self._told("credential_changed", changed, claims)

    async def delete(self, credential_id: UUID, claims: Claims) -> None:
        row = await self._row(credential_id, claims)
        with available():
            await self._statements.one("delete_credential", credential_id)
        self._told("credential_deleted", row, claims)

    async def opened(self, credential_id: UUID, claims: Claims) -> Opened:
        """For whoever looks after it. CredentialNotFound, CredentialUnreadable."""
        return self._open(await self._row(credential_id, claims))

    async def opened_of(self, credential_id: UUID, tenant: str) -> Opened:
        """For what somebody who might began. CredentialNotFound, CredentialUnreadable."""
        with available():
            row = await self._statements.one("get_credential", credential_id, tenant)
        if row is None:
            raise CredentialNotFound("The credential was removed meanwhile.")
        return self._open(row)

    async def lend(self, reference: Reference, claims: Claims) -> Opened:
        """For an execution with these rights: its owner's own, or one that is shared. Hive's id counts first, then what is one's own, then n8n's
        id, then the name: what another writes into a document never comes before what is one's own.

        CredentialNotFound, CredentialUnreadable, DatabaseUnavailable; Conflict where n8n's id or a name means several that are shared.
        """
        with available():
            rows = await self._statements.all(
                "usable_credentials",
                *(claims.tenant, reference.type, claims.sub, _uuid(reference.id), reference.id, reference.name),
            )
        return self._open(_meant(rows, reference, claims))

    async def reseal(self) -> int:
        """What older keys sealed, with the one that seals now. How many there were; those that cannot be read stay as they are."""
        keys = self._vault.ids()
        if not keys:
            return 0
        done = 0
        for found, stored, bound in (
            ("credentials_of_other_keys", "reseal_credential", ""),
            ("tokens_of_other_keys", "reseal_tokens", TOKENS),
        ):
            done += await self._resealed(keys[0], found, stored, bound)
        if done:
            logger.info("credentials_resealed", count=done, key=keys[0])
        return done

    async def _resealed(self, key: str, found: str, stored: str, bound: str) -> int:
        """What one statement finds, by another. `bound`: what the seal is bound to beside the credential."""
        done = 0
        with available():
            rows = await self._statements.all(found, key)
        for row in rows:
            about = _about(row["id"], row["type"], row["created_by"], row["tenant"]) + bound
            try:
                key_id, sealed = self._vault.seal(self._vault.open(row["key_id"], row["sealed"], about), about)
            except CredentialUnreadable as error:
                logger.error("credential_unreadable", id=str(row["id"]), key=row["key_id"], reason=error.message)
                continue
            with available():
                await self._statements.run(stored, row["id"], row["sealed"], sealed, key_id)
            done += 1
        return done

    async def require_key(self) -> None:
        """An engine without the key of what is there would seal with one that the others lack."""
        with available():
            there = {row["key_id"] for row in await self._statements.all("credential_keys")}
        missing = there - set(self._vault.ids())
        if missing:
            raise CredentialUnreadable(
                f"This engine lacks the key {', '.join(sorted(missing))}, with which others of the hive's credentials are sealed. "
                "Give it in HIVE_CREDENTIALS_KEY, or delete those credentials."
            )

    async def _row(self, credential_id: UUID, claims: Claims, *, shared: bool = False) -> Any:
        with available():
            row = await self._statements.one("get_credential", credential_id, claims.tenant)
        own = row is not None and (row["created_by"] == claims.sub or auth.allows(claims, Permission.CREDENTIALS_MANAGE))
        if row is None or not (own or (shared and row["shared"])):
            raise CredentialNotFound(f"There is no credential {credential_id}, or it is not yours.")
        return row

    def _open(self, row: Any) -> Opened:
        about = _about(row["id"], row["type"], row["created_by"], row["tenant"])
        data = self._vault.open(row["key_id"], row["sealed"], about)
        return Opened(
            id=row["id"],
            type=row["type"],
            name=row["name"],
            owner=row["created_by"],
            stamp=row["updated_at"],
            data=data,
            about=about,
            sealed=row["sealed"],
        )

    def _told(self, event: str, row: Any, claims: Claims) -> CredentialRecord:
        logger.info(event, id=str(row["id"]), name=row["name"], type=row["type"], owner=row["created_by"], by=claims.sub)
        return _record(row)


async def reseal_when_possible(credentials: Credentials) -> None:
    """At an engine's start: a key that was put before the others takes over from them."""
    with suppress(CredentialUnreadable, DatabaseUnavailable, asyncpg.PostgresError):
        await credentials.reseal()


def _meant(rows: Sequence[Any], reference: Reference, claims: Claims) -> Any:
    """Of rows that are sorted by how well they fit."""
    if not rows:
        raise CredentialNotFound(
            f"There is no credential {reference} of type {reference.type} that {claims.sub} may use. "
            "Make it, or let its owner share it."
        )
    first = rows[0]
    by = _named_by(first, reference)
    if by != "id" and first["created_by"] != claims.sub and len(rows) > 1 and _named_by(rows[1], reference) == by:
        raise Conflict(f"Several credentials of type {reference.type} are called {reference} and shared. Name one by its id.")
    return first


def _named_by(row: Any, reference: Reference) -> str:
    if row["id"] == _uuid(reference.id):
        return "id"
    return "n8n_id" if reference.id is not None and row["n8n_id"] == reference.id else "name"


def _about(credential_id: UUID, kind: str, owner: str, tenant: str) -> str:
    """What the seal is bound to."""
    return "\x00".join((str(credential_id), kind, tenant, owner))


def _names(data: Mapping[str, Any]) -> Sequence[str]:
    return sorted(name for name, value in data.items() if value not in (None, ""))


def _record(row: Any) -> CredentialRecord:
    connected = {name: row[name] for name in _CONNECTED if name in row.keys()}  # noqa: SIM118 - of a record, `in` asks for values
    return CredentialRecord(
        **{name: row[name] for name in _FIELDS}, **connected, fields=tuple(row["fields"]), owner=row["created_by"]
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


@contextmanager
def _unique(kind: str, name: str) -> Iterator[None]:
    """Turns the constraint's complaint into Conflict."""
    try:
        yield
    except asyncpg.UniqueViolationError:
        raise Conflict(
            f"The owner has a credential {name!r} of type {kind} already. Change that, or take another name."
        ) from None
