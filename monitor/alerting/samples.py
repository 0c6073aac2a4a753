"""What was measured lately of each thing, for conditions over windows. Pure; times are seconds of one clock, passed in."""

from collections import deque
from collections.abc import Mapping
from typing import Final

from bus.messages.alerts import LONGEST_WINDOW_SECONDS, AlertScope

Value = float | bool
Key = tuple[AlertScope, str]
"""One agent, model, workflow or class of the queue."""

FRESH_SECONDS: Final = 30.0
"""An older value is no present one: nobody measures it any more."""


class Samples:
    """The last value of every metric, and the past of those that some window asks for."""

    def __init__(self) -> None:
        self._last: dict[Key, dict[str, tuple[float, Value]]] = {}
        self._past: dict[Key, dict[str, deque[tuple[float, float]]]] = {}
        self._windows: dict[str, float] = {}

    def keep(self, windows: Mapping[str, float]) -> None:
        """Seconds by metric. What no window asks for any more is forgotten."""
        self._windows = {name: min(seconds, LONGEST_WINDOW_SECONDS) for name, seconds in windows.items()}
        for past in self._past.values():
            for name in past.keys() - self._windows.keys():
                del past[name]

    def add(self, key: Key, values: Mapping[str, Value], at: float) -> None:
        last, past = self._last.setdefault(key, {}), self._past.setdefault(key, {})
        for name, value in values.items():
            last[name] = at, value
            if (seconds := self._windows.get(name)) is not None:
                held = past.setdefault(name, deque())
                held.append((at, float(value)))
                while held[0][0] < at - seconds:
                    held.popleft()

    def forget(self, key: Key) -> None:
        self._last.pop(key, None)
        self._past.pop(key, None)

    def forget_old(self, now: float) -> None:
        """What nothing was heard of for longer than any window."""
        for key, last in list(self._last.items()):
            if all(at < now - LONGEST_WINDOW_SECONDS for at, _ in last.values()):
                self.forget(key)

    def keys(self, scope: AlertScope) -> list[str]:
        return sorted(entity for kind, entity in self._last if kind is scope)

    def last(self, key: Key, name: str, now: float) -> Value | None:
        at, value = self._last.get(key, {}).get(name, (float("-inf"), 0.0))
        return value if now - at <= FRESH_SECONDS else None

    def window(self, key: Key, name: str, seconds: float, now: float) -> list[tuple[float, float]]:
        """Oldest first; nothing where nothing fresh is among it, so that a mute agent has no average."""
        if self.last(key, name, now) is None:
            return []
        return [each for each in self._past.get(key, {}).get(name, ()) if each[0] >= now - seconds]
