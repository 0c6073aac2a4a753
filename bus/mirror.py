"""A copy of one bucket, kept current by a watch: what a door must know for every request costs no round trip."""

from collections.abc import Callable
from typing import Generic, TypeVar

from bus import telemetry
from bus.client import Bus, Closing

logger = telemetry.log(__name__)
T = TypeVar("T")


class Mirror(Generic[T]):
    """`items` is the bucket as of the last change heard. A value that cannot be read is as good as none, and is logged."""

    def __init__(self, bus: Bus, bucket: str, parse: Callable[[bytes], T]) -> None:
        self.items: dict[str, T] = {}
        self._bus, self._bucket, self._parse = bus, bucket, parse
        self._watch: Closing | None = None

    async def start(self) -> None:
        """Returns when everything that the bucket holds is here."""
        self._watch = await self._bus.watch(self._bucket, self._changed)

    async def close(self) -> None:
        if self._watch is not None:
            await self._watch.close()

    async def find(self, key: str) -> T | None:
        """What the copy does not have is asked for once more: it may be newer than the last change heard."""
        if key in self.items:
            return self.items[key]
        value = await self._bus.get(self._bucket, key)
        return None if value is None else self._read(key, value)

    async def _changed(self, key: str, value: bytes | None) -> None:
        item = None if value is None else self._read(key, value)
        if item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = item

    def _read(self, key: str, value: bytes) -> T | None:
        try:
            return self._parse(value)
        except ValueError:
            logger.warning("value_unreadable", bucket=self._bucket, key=key)
            return None
