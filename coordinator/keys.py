"""Users and their keys, and the one-time ways into the dashboard. The record is PostgreSQL's; the doors read a mirror on the bus.

A key is shown once and kept nowhere: what is stored is its hash. The mirror lets a door answer "who asks?" without PostgreSQL,
and lets a revoked key stop at once.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bus import auth, subjects, telemetry
from bus.auth import Permission
from bus.client import Bus
from bus.errors import Conflict, InvalidRequest, NotFound, PermissionDenied, Unauthenticated, UserDisabled
from bus.messages import (
    Claims,
    CreateKey,
    IssuedKey,
    KeyList,
    KeyRecord,
    KeyRef,
    LoginTicket,
    NoReply,
    RedeemTicket,
    Role,
)
from bus.service import Call, Service
from bus.tenancy import HOME, knows, scope
from coordinator.endpoints import service, verb
from coordinator.store.database import Statements, available

logger = telemetry.log(__name__)

TICKET_SECONDS: Final = 15 * 60
ADMIN: Final = "admin"
_PREFIX_LENGTH: Final = len(auth.KEY_PREFIX) + 6


class Keys:
    def __init__(self, bus: Bus, statements: Statements) -> None:
        self._bus, self._sql = bus, statements

    def service(self) -> Service:
        manage = Permission.KEYS_MANAGE
        return service(
            subjects.SERVICE_KEYS,
            "API keys and dashboard logins",
            verb("create", CreateKey, self._create, manage, "A new key"),
            verb("list", NoReply, self._list, manage, "Every key, no secret"),
            verb("revoke", KeyRef, self._revoke, manage, "End a key at once"),
            verb("ticket", NoReply, self._ticket, None, "A one-time login"),
            verb("redeem", RedeemTicket, self._redeem, None, "Use a login"),
        )

    async def ensure_admin(self, key: str) -> None:
        """The key that the administrator chose, or that `hive up` made, opens this hive. InvalidRequest for a weak one. A user `admin`
        who was disabled or removed stays so, and the hive goes on without that key.
        """
        if len(key) < auth.MIN_KEY_LENGTH:
            raise InvalidRequest(f"HIVE_ADMIN_KEY is shorter than {auth.MIN_KEY_LENGTH} characters. Choose a longer one.")
        try:
            await self._store(CreateKey(owner=ADMIN, role=Role.ADMIN, name="first key"), key, HOME)
        except (UserDisabled, Conflict) as error:
            logger.info("admin_key_opens_nothing", reason=error.message)

    async def mirror(self) -> None:
        """Make the doors' copy equal to the record."""
        for key_hash, claims in (await self._held()).items():
            await self._bus.put(subjects.KV_KEYS, key_hash, claims)
        # In this order, since keys are made and revoked meanwhile: a new one is in the record before it is shown, and one that
        # was revoked while it was written above must go again.
        shown = set(await self._bus.keys(subjects.KV_KEYS))
        for stale in shown - (await self._held()).keys():
            await self._bus.delete(subjects.KV_KEYS, stale)

    async def _held(self) -> dict[str, Claims]:
        with available():
            return {row["hash"]: _claims(row) for row in await self._sql.all("keys", None) if row["holds"]}

    async def follow(self, user_id: UUID) -> None:
        """A user was disabled, enabled or removed: so are the user's keys, at the doors. Again while the record changes meanwhile."""
        with available():
            mine = [row["hash"] for row in await self._sql.all("keys_of_user", user_id)]
        told: dict[str, Claims] | None = None
        while (held := {key: claims for key, claims in (await self._held()).items() if key in mine}) != told:
            for key_hash in mine:
                if key_hash in held:
                    await self._bus.put(subjects.KV_KEYS, key_hash, held[key_hash])
                else:
                    await self._bus.delete(subjects.KV_KEYS, key_hash)
            told = held

    async def _create(self, call: Call[CreateKey]) -> IssuedKey:
        _check(call.body)
        key, tenant = auth.new_key(), call.body.tenant or call.claims.tenant
        if not knows(call.claims, tenant):
            raise PermissionDenied(
                f"{call.claims.sub} makes keys of the tenant {call.claims.tenant} alone. Leave `tenant` out."
            )
        auth.require_no_more(_given(call.body, tenant), call.claims)
        record = await self._store(call.body, key, tenant)
        if record is None:
            raise InvalidRequest("That key exists already. Try again.")
        return IssuedKey(key=key, record=record)

    async def _store(self, asked: CreateKey, key: str, tenant: str) -> KeyRecord | None:
        """None when the key is known already."""
        prefix = key[:_PREFIX_LENGTH]
        with available():
            user = await self._sql.one("upsert_user", asked.owner, tenant)
            if user is None:
                raise Conflict(f"The name {asked.owner} is taken. Choose another: a name is one person's in the whole hive.")
            if user["disabled_at"] or user["removed_at"]:
                raise UserDisabled(
                    f"The user {asked.owner} is disabled or was removed, and gets no key. `hive users` brings back."
                )
            about = (asked.role.value, list(asked.models), asked.name, list(asked.scopes), asked.expires_at)
            row = await self._sql.one("insert_key", user["id"], auth.hash_key(key), prefix, *about)
        if row is None:
            return None
        record = KeyRecord(
            id=row["id"],
            owner=asked.owner,
            role=asked.role,
            tenant=user["tenant"],
            models=asked.models,
            name=asked.name,
            scopes=asked.scopes,
            expires_at=asked.expires_at,
            prefix=prefix,
            created_at=row["created_at"],
        )
        await self._bus.put(subjects.KV_KEYS, auth.hash_key(key), _claims_of(record))
        with available():
            still = await self._sql.one("user", asked.owner, tenant)
        if (
            still is None or still["disabled_at"] is not None
        ):  # meanwhile, by somebody who may have looked for keys before this one
            await self.follow(user["id"])
        return record

    async def _list(self, call: Call[NoReply]) -> KeyList:
        with available():
            return KeyList(keys=tuple(_record(row) for row in await self._sql.all("keys", scope(call.claims))))

    async def _revoke(self, call: Call[KeyRef]) -> KeyRecord:
        with available():
            row = await self._sql.one("revoke_key", call.body.id, scope(call.claims))
            if row is None:
                raise NotFound(f"There is no key {call.body.id}. `hive keys list` shows them.")
            await self._bus.delete(subjects.KV_KEYS, row["hash"])
            return next(_record(key) for key in await self._sql.all("keys", scope(call.claims)) if key["id"] == call.body.id)

    async def _ticket(self, call: Call[NoReply]) -> LoginTicket:
        ticket = secrets.token_urlsafe(24)
        expires = datetime.now(UTC) + timedelta(seconds=TICKET_SECONDS)
        claims = call.claims if call.claims != auth.BUS_OPERATOR else Claims(sub=ADMIN, roles=(Role.ADMIN,))
        with available():
            await self._sql.run("insert_ticket", auth.hash_key(ticket), claims.model_dump_json(), expires)
        return LoginTicket(ticket=ticket, expires_seconds=TICKET_SECONDS)

    async def _redeem(self, call: Call[RedeemTicket]) -> Claims:
        """Once: the row that is deleted is the proof. Those that have expired go along."""
        wanted, now = auth.hash_key(call.body.ticket), datetime.now(UTC)
        with available():
            gone = await self._sql.all("redeem_ticket", wanted)
        for row in gone:
            if row["hash"] == wanted and row["expires_at"] > now:
                return Claims.model_validate_json(row["claims"])
        raise Unauthenticated("The login link was used already, or is older than 15 minutes. Make a new one: hive login")


def _check(asked: CreateKey) -> None:
    """InvalidRequest for a scope that no permission has, and for an end that is past."""
    if unknown := [scope for scope in asked.scopes if not auth.known_scope(scope)]:
        raise InvalidRequest(
            f"There is no permission {', '.join(unknown)}. Scopes are such as tasks.create or workflows.*; docs/permissions.md lists them."
        )
    if asked.expires_at is not None and asked.expires_at <= datetime.now(UTC):
        raise InvalidRequest("The key would have expired already. Name a time that is to come.")


def _given(asked: CreateKey, tenant: str) -> Claims:
    return Claims(
        sub=asked.owner,
        roles=(asked.role,),
        tenant=tenant,
        models=asked.models,
        scopes=asked.scopes,
        expires_at=asked.expires_at,
    )


def _record(row: Any) -> KeyRecord:
    return KeyRecord(
        id=row["id"],
        owner=row["owner"],
        role=Role(row["role"]),
        tenant=row["tenant"],
        models=tuple(row["models"]),
        name=row["name"],
        scopes=tuple(row["scopes"]),
        expires_at=row["expires_at"],
        prefix=row["prefix"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )


def _claims(row: Any) -> Claims:
    return _claims_of(_record(row))


def _claims_of(record: KeyRecord) -> Claims:
    return Claims(
        sub=record.owner,
        roles=(record.role,),
        tenant=record.tenant,
        models=record.models,
        scopes=record.scopes,
        key_id=record.id,
        expires_at=record.expires_at,
    )
