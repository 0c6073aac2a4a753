"""What one client has yet to be sent: bounded, so that one that does not read costs nobody else anything. Pure but for its event."""

import asyncio
from collections import Counter, deque
from typing import Final

MOST_MESSAGES: Final = 256
MOST_CHARACTERS: Final = 512 * 1024


class Outbox:
    """Full, it drops the oldest and counts what was missed, by topic."""

    def __init__(self, most: int = MOST_MESSAGES, characters: int = MOST_CHARACTERS) -> None:
        self._most, self._characters = most, characters
        self._held: deque[tuple[str, str]] = deque()
        self._size = 0
        self._missed: Counter[str] = Counter()
        self._some = asyncio.Event()

    def put(self, topic: str, text: str) -> None:
        self._held.append((topic, text))
        self._size += len(text)
        while len(self._held) > self._most or (self._size > self._characters and len(self._held) > 1):
            lost, dropped = self._held.popleft()
            self._size -= len(dropped)
            self._missed[lost] += 1
        self._some.set()

    async def wait(self) -> None:
        """Until something is to be sent."""
        await self._some.wait()

    @property
    def has_missed(self) -> bool:
        return bool(self._missed)

    def missed(self) -> dict[str, int]:
        """Messages by topic, since this was last asked."""
        if not self._missed:
            return {}
        missed, self._missed = dict(self._missed), Counter()
        return missed

    def next(self) -> str | None:
        """The oldest that is held; None when there is none."""
        if not self._held:
            self._some.clear()
            return None
        _, text = self._held.popleft()
        self._size -= len(text)
        return text
