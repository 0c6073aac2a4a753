"""The API keys that hold, as the coordinator keeps them on the bus: who may log in, and who no longer is."""

from datetime import UTC, datetime

from bus import auth, subjects
from bus.client import Bus, Closing
from bus.messages import Claims


class Keyring:
    """Watches the bucket, so that a revoked key ends its sessions at once. Holds hashes, never a secret."""

    def __init__(self) -> None:
        self._claims: dict[str, Claims] = {}

    async def watch(self, bus: Bus) -> Closing:
        return await bus.watch(subjects.KV_KEYS, self._changed)

    async def _changed(self, key_hash: str, value: bytes | None) -> None:
        if value is None:
            self._claims.pop(key_hash, None)
        else:
            self._claims[key_hash] = Claims.model_validate_json(value)

    def find(self, secret: str) -> Claims | None:
        """Whose key this is; None for one that was never made, has expired, or is revoked."""
        claims = self._claims.get(auth.hash_key(secret.strip()))
        return claims if claims is not None and not _expired(claims, datetime.now(UTC)) else None

    def holds(self, claims: Claims, now: datetime) -> bool:
        """Whether the key that these claims came from still holds. Claims without a key came from a login link."""
        if _expired(claims, now):
            return False
        return claims.key_id is None or any(held.key_id == claims.key_id for held in self._claims.values())


def _expired(claims: Claims, now: datetime) -> bool:
    return claims.expires_at is not None and claims.expires_at <= now
