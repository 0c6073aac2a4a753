"""Who asks: an API key, as Bearer, x-api-key or the password of HTTP Basic, looked up by its hash in a copy of the key bucket.

Neither PostgreSQL nor the coordinator is needed for that, and a key that is revoked is gone as soon as the bucket says so.
"""

from base64 import b64decode
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers

from bus import auth
from bus.errors import PermissionDenied, Unauthenticated
from bus.guarding.guard import Guard
from bus.messages import Claims
from bus.mirror import Mirror
from bus.web.origins import SAFE_METHODS, from_elsewhere

HOW = "Send `Authorization: Bearer sk-hive-…`; `hive keys create` makes a key"
DOOR: Final = "key"
"""By which name the guard knows keys of the API."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request shows. `ambient`: a browser adds it by itself, also to requests that another site made it send."""

    secret: str
    ambient: bool = False


class Identity:
    """Claims by key."""

    def __init__(self, keys: Mirror[Claims], guard: Guard) -> None:
        self._keys, self._guard = keys, guard

    async def claims(self, method: str, headers: Headers, address: str) -> Claims:
        """Unauthenticated without a key that holds; PermissionDenied for what another site made a browser send; TooManyAttempts."""
        credential = read(headers)
        claims = await self.shown(auth.hash_key(credential.secret), address)
        if credential.ambient and method not in SAFE_METHODS and from_elsewhere(headers):
            raise PermissionDenied("Another site made this browser send the request. Send the key as Bearer to mean it.")
        return claims

    async def shown(self, key_hash: str, address: str) -> Claims:
        """By whoever is at that address. Unauthenticated; TooManyAttempts for who tries one key after the other. A key that this gateway
        has heard of is let in at once: no failure keeps it out.
        """
        if (held := self.held(key_hash)) is not None:
            return held
        attempt = await self._guard.begin(DOOR, address)
        claims = await self.known(key_hash)
        if claims is None:
            await self._guard.failed(attempt)
            raise Unauthenticated(f"This key is not known, or it was revoked. {HOW}.")
        await self._guard.succeeded(attempt)
        return claims

    async def known(self, key_hash: str) -> Claims | None:
        """None for a key that there is not, or that was revoked."""
        return await self._keys.find(key_hash)

    def held(self, key_hash: str) -> Claims | None:
        """As the bucket last spoke; None where the key was revoked."""
        return self._keys.items.get(key_hash)


def read(headers: Headers) -> Credential:
    """The key of a request, wherever it stands. Pure."""
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
