"""Whether the key that a workflow was saved with still stands: what starts by itself runs with that key's rights, and with nobody else's.

The buckets of keys and users are watched, as doors do (ADR 0007): a revoked key, or a disabled user, starts nothing from the moment on at
which doors refuse it.
"""

from datetime import UTC, datetime
from uuid import UUID

from bus import subjects, telemetry
from bus.client import Bus, Closing
from bus.errors import PermissionDenied
from bus.messages import Claims
from bus.standing import Standings

logger = telemetry.log(__name__)


class Keys:
    """Those that stand, by id."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._users = bus, Standings(bus)
        self._ids: dict[str, UUID] = {}
        self._hashes: dict[UUID, str] = {}
        self._watch: Closing | None = None

    async def start(self) -> None:
        """Returns when every key and user that the buckets hold is known."""
        await self._users.start()
        self._watch = await self._bus.watch(subjects.KV_KEYS, self._changed)

    async def close(self) -> None:
        if self._watch is not None:
            await self._watch.close()
        await self._users.close()

    def require(self, claims: Claims) -> None:
        """PermissionDenied once the key is revoked or has expired, or the user who was signed in is disabled or has fewer rights. Claims without
        a key are of somebody on the bus itself, who is not asked for one.
        """
        gone = claims.expires_at is not None and claims.expires_at <= datetime.now(UTC)
        if claims.key_id is not None and (gone or claims.key_id not in self._hashes):
            raise PermissionDenied(
                "The key that the workflow was saved with was revoked, or has expired, so nothing starts it. "
                "Save it again with a key that holds."
            )
        if claims.user_id is not None and not self._users.stands(claims):
            raise PermissionDenied(
                f"{claims.sub}, who saved the workflow, is disabled, was removed, or has fewer rights than then, so nothing starts it. "
                "Save it again, or have somebody else do so."
            )

    async def _changed(self, key_hash: str, value: bytes | None) -> None:
        if (before := self._ids.pop(key_hash, None)) is not None:
            self._hashes.pop(before, None)
        key_id = None if value is None else _key_id(key_hash, value)
        if key_id is not None:
            self._ids[key_hash], self._hashes[key_id] = key_id, key_hash


def _key_id(key_hash: str, value: bytes) -> UUID | None:
    try:
        return Claims.model_validate_json(value).key_id
    except ValueError:
        logger.warning("value_unreadable", bucket=subjects.KV_KEYS, key=key_hash)
        return None
