"""How many messages one connection may send: pure."""

from collections import deque
from typing import Final

MESSAGES: Final = 300
SECONDS: Final = 10.0


class MessagePace:
    """Of one connection. `now` is monotonic, in seconds."""

    def __init__(self, messages: int = MESSAGES, seconds: float = SECONDS) -> None:
        self._seconds, self._recent = seconds, deque[float](maxlen=messages)

    def allows(self, now: float) -> bool:
        """One more at this time."""
        full = len(self._recent) == self._recent.maxlen
        if full and now - self._recent[0] < self._seconds:
            return False
        self._recent.append(now)
        return True
