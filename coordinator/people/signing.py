"""The keys that sign access tokens: made when they are needed, replaced by age or by hand, sealed in the record (bus/vault.py).

The newest one signs. An older one still verifies what it signed, until that has expired; then it goes. Its public half is on the bus.
"""

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from bus import subjects, telemetry, tokens
from bus.client import Bus
from bus.errors import CredentialUnreadable, HiveError
from bus.messages import Claims
from bus.messages.people import SigningKey
from bus.vault import Vault
from coordinator.store.database import Statements, available

logger = telemetry.log(__name__)

VERIFIES: Final = timedelta(seconds=tokens.ACCESS_SECONDS + 2 * tokens.LEEWAY_SECONDS)
"""How long after it was replaced a key may still have to verify something."""


class SigningKeys:
    """`lasts`: the age at which a key is replaced."""

    def __init__(self, bus: Bus, statements: Statements, vault: Vault, lasts: timedelta) -> None:
        self._bus, self._sql, self._vault, self._lasts = bus, statements, vault, lasts
        self._opened: dict[str, ec.EllipticCurvePrivateKey] = {}
        self._told = set[str]()
        """Keys that the doors have from here: one that is made while the bus is away is told before it signs."""

    async def sign(self, claims: Claims, generation: int, now: datetime) -> str:
        key = await self._current(now)
        return tokens.sign(claims, generation, self._opened[key.kid], key.kid, now)

    async def rotate(self) -> list[SigningKey]:
        """A new one signs from now on, such as when an old one may have got out: `forget` then ends what that signed."""
        await self._make()
        return await self.all()

    async def forget_old(self) -> list[SigningKey]:
        """Make worthless at once whatever an older key signed."""
        for old in (await self.all())[1:]:
            await self._remove(old.kid)
        return await self.all()

    async def all(self) -> list[SigningKey]:
        """The newest first."""
        with available():
            return [_key(row) for row in await self._sql.all("signing_keys")]

    async def mirror(self) -> None:
        """Make the doors' copy equal to the record."""
        held = {key.kid: key for key in await self.all()}
        for key in held.values():
            await self._tell(key)
        stale = set(await self._bus.keys(subjects.KV_SIGNING_KEYS)) - held.keys()
        for kid in stale - {key.kid for key in await self.all()}:  # one that was made meanwhile stays
            await self._bus.delete(subjects.KV_SIGNING_KEYS, kid)

    async def _current(self, now: datetime) -> SigningKey:
        """The one to sign with; the next one when it is too old, or cannot be opened here: another's vault may have sealed it."""
        with available():
            rows = await self._sql.all("signing_keys")
        for row, successor in zip(rows[1:], rows, strict=False):
            if successor["created_at"] < now - VERIFIES:
                await self._remove(row["kid"])
        if rows and rows[0]["created_at"] > now - self._lasts and self._open(rows[0]):
            key = _key(rows[0])
            if key.kid not in self._told:
                await self._tell(key)
            return key
        return await self._make()

    def _open(self, row: Any) -> bool:
        kid: str = row["kid"]
        if kid not in self._opened:
            try:
                pem = self._vault.open(row["key_id"], bytes(row["sealed"]), _about(kid))["pem"]
            except CredentialUnreadable as error:
                logger.warning("signing_key_unreadable", kid=kid, reason=error.message)
                return False
            key = load_pem_private_key(pem.encode(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise HiveError(f"The signing key {kid} is none of {tokens.ALGORITHM}.")
            self._opened[kid] = key
        return True

    async def _make(self) -> SigningKey:
        """Told to the doors before anything is signed with it."""
        key, kid = tokens.new_key(), secrets.token_urlsafe(12)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        key_id, sealed = self._vault.seal({"pem": pem}, _about(kid))
        with available():
            row = await self._sql.one("insert_signing_key", kid, json.dumps(tokens.public_jwk(key, kid)), sealed, key_id)
        self._opened[kid], made = key, _key(row)
        await self._tell(made)
        logger.info("signing_key_made", kid=kid)
        return made

    async def _tell(self, key: SigningKey) -> None:
        await self._bus.put(subjects.KV_SIGNING_KEYS, key.kid, key)
        self._told.add(key.kid)

    async def _remove(self, kid: str) -> None:
        with available():
            await self._sql.run("delete_signing_key", kid)
        self._opened.pop(kid, None)
        self._told.discard(kid)
        await self._bus.delete(subjects.KV_SIGNING_KEYS, kid)
        logger.info("signing_key_gone", kid=kid)


def _about(kid: str) -> str:
    return f"signing key {kid}"


def _key(row: Any) -> SigningKey:
    jwk = json.loads(row["jwk"])
    return SigningKey(kid=row["kid"], algorithm=jwk["alg"], created_at=row["created_at"].astimezone(UTC), jwk=jwk)
