"""So many at once for each owner: one whose services are slow takes from nobody else what all share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class _Share:
    free: asyncio.Semaphore
    wanted: int = 0
    """By so many that have a place, or wait for one."""


class Shares:
    def __init__(self, each: int) -> None:
        self._each = each
        self._shares: dict[str, _Share] = {}

    @asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Once one is free. Owners that want none are forgotten."""
        share = self._shares.setdefault(owner, _Share(asyncio.Semaphore(self._each)))
        share.wanted += 1
        try:
            async with share.free:
                yield
        finally:
            share.wanted -= 1
            if not share.wanted:
                del self._shares[owner]
