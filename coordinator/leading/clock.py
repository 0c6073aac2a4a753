"""The leader's own sense of time: seconds that pass only while it hears the bus."""

from typing import Final

from bus import subjects
from bus.client import Bus, Closing, Received

TICK_SECONDS: Final = 0.25
DEAF_SECONDS: Final = 1.0
"""Ticks further apart than this in real time: the leader was deaf meanwhile."""


class Clock:
    """`beat()` sends a tick by way of the server; `seconds` grows when it comes back."""

    def __init__(self, bus: Bus, instance: str) -> None:
        self._bus, self._subject = bus, subjects.tick(instance)
        self._subscription: Closing | None = None
        self._heard_at: float | None = None
        self.seconds = 0.0
        self.was_deaf = False

    async def start(self) -> None:
        self._subscription = await self._bus.subscribe(self._subject, self._heard)
        await self._bus.flush()

    async def _heard(self, received: Received) -> None:
        """The tick carries the sender's monotonic time, so a burst of ticks after a silence counts as what it is."""
        at = float(received.data)
        if self._heard_at is not None:
            step = at - self._heard_at
            self.was_deaf = self.was_deaf or step > DEAF_SECONDS
            self.seconds += max(0.0, step)
        self._heard_at = at

    async def beat(self, monotonic_seconds: float) -> None:
        if self._bus.connected:
            await self._bus.publish(self._subject, repr(monotonic_seconds).encode())

    def forgive(self) -> bool:
        """Whether it was deaf since the last call."""
        was_deaf, self.was_deaf = self.was_deaf, False
        return was_deaf

    async def close(self) -> None:
        if self._subscription is not None:
            await self._subscription.close()
