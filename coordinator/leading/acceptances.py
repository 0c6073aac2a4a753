"""Sidecars' word that they have taken an offer, kept back for a moment: most of a short task's life would be spent on recording it."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final
from uuid import UUID

from coordinator.leading.inputs import OfferAccepted

KEPT_SECONDS: Final = 0.05
"""A task that ends sooner, such as an embedding, is never shown as running, and costs neither the rows nor the event."""


class Acceptances:
    """`due` is called when one is old enough."""

    def __init__(self, due: Callable[[], None], is_open: Callable[[UUID], bool]) -> None:
        self._due, self._is_open = due, is_open
        self._kept: deque[tuple[float, OfferAccepted]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    def put(self, accepted: OfferAccepted) -> None:
        self._kept.append((monotonic() + KEPT_SECONDS, accepted))
        self._set_alarm()

    def take(self) -> list[OfferAccepted]:
        """Those that are old enough, and whose attempt has not ended meanwhile."""
        found = []
        while self._kept and self._kept[0][0] <= monotonic():
            accepted = self._kept.popleft()[1]
            if self._is_open(accepted.attempt_id):
                found.append(accepted)
        self._set_alarm()
        return found

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()

    def _set_alarm(self) -> None:
        if self._kept and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(max(0.0, self._kept[0][0] - monotonic()), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        while self._kept and not self._is_open(self._kept[0][1].attempt_id):
            self._kept.popleft()
        if self._kept and self._kept[0][0] <= monotonic():
            self._due()
        else:
            self._set_alarm()
