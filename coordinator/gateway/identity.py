"""Who asks: an API key, as Bearer, x-api-key or the password of HTTP Basic, or an access token as Bearer.

A key is looked up by its hash in a copy of the key bucket; a token is verified by copies of the public keys and of how users stand. Neither
PostgreSQL nor the coordinator is needed for that, and what is revoked is gone as soon as the buckets say so.
"""

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.datastructures import Headers

from bus import auth, telemetry, tokens
from bus.errors import PermissionDenied, SessionOver, TokenExpired, Unauthenticated
from bus.guarding.guard import Guard
from bus.messages import Claims
from bus.mirror import Mirror
from bus.web.origins import SAFE_METHODS, from_elsewhere
from coordinator.gateway.verified import Verified

logger = telemetry.log(__name__)

HOW = "Send `Authorization: Bearer sk-hive-…`; `hive keys create` makes a key"
DOOR: Final = "key"
"""By which name the guard knows keys of the API."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request shows. `ambient`: a browser adds it by itself, also to requests that another site made it send."""

    secret: str
    ambient: bool = False


class Identity:
    """Claims by key, or by token."""

    def __init__(self, keys: Mirror[Claims], verified: Verified, guard: Guard) -> None:
        self._keys, self._verified, self._guard = keys, verified, guard

    async def claims(self, method: str, headers: Headers, address: str) -> Claims:
        """Unauthenticated without a key or token that holds; PermissionDenied for what another site made a browser send; TooManyAttempts."""
        credential = read(headers)
        claims = await self.shown(credential.secret, address)
        if credential.ambient and method not in SAFE_METHODS and from_elsewhere(headers):
            raise PermissionDenied("Another site made this browser send the request. Send the key as Bearer to mean it.")
        return claims

    async def shown(self, secret: str, address: str) -> Claims:
        """By whoever is at that address. Unauthenticated, TokenExpired, SessionOver; TooManyAttempts for who tries one after the other. A key that
        this gateway has heard of, and a token that holds, are let in at once: no failure keeps them out.
        """
        if tokens.is_token(secret):
            return await self._verified_at(secret, address)
        key_hash = auth.hash_key(secret)
        if (held := self.held(key_hash)) is not None:
            return held
        attempt = await self._guard.begin(DOOR, address)
        claims = await self.known(key_hash)
        if claims is None:
            await self._guard.failed(attempt)
            raise Unauthenticated(f"This key is not known, it has expired, or it was revoked. {HOW}.")
        await self._guard.succeeded(attempt)
        return claims

    async def _verified_at(self, token: str, address: str) -> Claims:
        try:
            return await self._verified.claims(token)
        except (TokenExpired, SessionOver) as error:  # it was a good one: nobody guesses
            logger.info("token_refused", code=error.code, address=address)
            raise
        except Unauthenticated:
            await self._guard.failed(await self._guard.begin(DOOR, address))
            raise

    async def known(self, secret_hash: str) -> Claims | None:
        """None for a key that there is not, or that was revoked; for a token that was not shown lately, or is over."""
        if self._verified.knows(secret_hash):
            return self._verified.held(secret_hash)
        return _lasting(await self._keys.find(secret_hash))

    def held(self, secret_hash: str) -> Claims | None:
        """As the buckets last spoke; None where the key was revoked, or the token is over."""
        return _lasting(self._keys.items.get(secret_hash)) or self._verified.held(secret_hash)


def _lasting(claims: Claims | None) -> Claims | None:
    """None for those of a key that has expired."""
    if claims is None or claims.expires_at is None or claims.expires_at > datetime.now(UTC):
        return claims
    return None


def read(headers: Headers) -> Credential:
    """The key or token of a request, wherever it stands. Pure."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return Credential(value.strip())
    if key := headers.get("x-api-key", "").strip():
        return Credential(key)
    if scheme.lower() == "basic":
        return Credential(_password(value), ambient=True)
    raise Unauthenticated(f"No API key was sent. {HOW}.")


def _password(value: str) -> str:
    try:
        return b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError:
        raise Unauthenticated(f"The Basic credentials cannot be read. {HOW}.") from None
