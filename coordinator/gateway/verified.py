"""Access tokens that this gateway has verified: the signature is looked at once, whether the session stands at each request."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack
from time import time
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import ec

from bus import auth, subjects, tokens
from bus.client import Bus
from bus.errors import Unauthenticated
from bus.messages import Claims
from bus.messages.people import SigningKey
from bus.mirror import Mirror
from bus.standing import Standings
from bus.tokens import Token

MOST: Final = 10_000
"""Tokens that are remembered; one beyond is verified anew when it is shown again."""
ASK_SECONDS: Final = 1.0


class Verified:
    """`now` is Unix time, in seconds."""

    def __init__(self, bus: Bus, now: Callable[[], float] = time) -> None:
        self._keys = Mirror(bus, subjects.KV_SIGNING_KEYS, _parse)
        self._standings, self._now = Standings(bus), now
        self._tokens: OrderedDict[str, tuple[str, Token]] = OrderedDict()
        self._asked = 0.0
        self._stack = AsyncExitStack()

    async def start(self) -> Self:
        for part in (self._keys, self._standings):
            await part.start()
            self._stack.push_async_callback(part.close)
        return self

    async def close(self) -> None:
        await self._stack.aclose()

    @property
    def public_keys(self) -> list[dict[str, str]]:
        """JSON Web Keys, the newest first."""
        keys = sorted(self._keys.items.values(), key=lambda item: item[0].created_at, reverse=True)
        return [key.jwk for key, _ in keys]

    async def claims(self, secret: str) -> Claims:
        """Unauthenticated, TokenExpired, SessionOver."""
        secret_hash = auth.hash_key(secret)
        kid, token = self._tokens.get(secret_hash) or await self._verify(secret, secret_hash)
        if kid not in self._keys.items:
            raise Unauthenticated(
                "The key that the access token was signed with is no longer one of this hive's. Sign in again."
            )
        if token.expires <= self._now():
            self._tokens.pop(secret_hash, None)
            raise tokens.expired()
        return await self._standings.claims(token.user_id, token.session_id, token.generation)

    def knows(self, secret_hash: str) -> bool:
        return secret_hash in self._tokens

    def held(self, secret_hash: str) -> Claims | None:
        """Of a token that was shown before; None when it is over."""
        kid, token = self._tokens.get(secret_hash, ("", None))
        if token is None or kid not in self._keys.items or token.expires <= self._now():
            return None
        return self._standings.held(token.user_id, token.session_id, token.generation)

    async def _verify(self, secret: str, secret_hash: str) -> tuple[str, Token]:
        kid = tokens.kid_of(secret)
        found = kid, tokens.verify(secret, await self._key(kid))
        self._tokens[secret_hash] = found
        while len(self._tokens) > MOST:
            self._tokens.popitem(last=False)
        return found

    async def _key(self, kid: str) -> ec.EllipticCurvePublicKey:
        """The bucket may have a newer one than was heard of: it is asked, once a second at most, whatever strangers make up."""
        if kid not in self._keys.items and self._now() - self._asked >= ASK_SECONDS:
            self._asked = self._now()
            if (found := await self._keys.find(kid)) is not None:
                self._keys.items.setdefault(kid, found)
        if kid not in self._keys.items:
            raise Unauthenticated("The access token was signed with a key that is not, or no longer, one of this hive's.")
        return self._keys.items[kid][1]


def _parse(value: bytes) -> tuple[SigningKey, ec.EllipticCurvePublicKey]:
    key = SigningKey.model_validate_json(value)
    return key, tokens.public_key(key.jwk)
