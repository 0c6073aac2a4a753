"""The bound of what webhook calls hold in this door together: nobody needs a key for them, and each may be some MiB and wait for minutes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bus.errors import TooManyExecutions

RETRY_SECONDS: Final = 2


class Holding:
    """Of one call. `add` what has come; a call that announces much and sends nothing takes nobody's room."""

    def __init__(self, bodies: "WebhookBodies") -> None:
        self._bodies = bodies
        self.size = 0

    def add(self, size: int) -> None:
        """TooManyExecutions where all calls together would hold more than they may; one alone always may."""
        if self._bodies.held > self.size and self._bodies.held + size > self._bodies.limit:
            raise TooManyExecutions(
                f"Webhook calls that are under way hold {self._bodies.held:,} bytes (HIVE_MAX_WEBHOOK_BYTES). Try again shortly.",
                retry_after_seconds=RETRY_SECONDS,
            )
        self.size += size
        self._bodies.held += size


class WebhookBodies:
    """`limit` and `held` in bytes, as they came: what was parsed of them takes some times as much."""

    def __init__(self, limit: int) -> None:
        self.limit, self.held = limit, 0

    @contextmanager
    def hold(self) -> Iterator[Holding]:
        """Until the call is answered."""
        holding = Holding(self)
        try:
            yield holding
        finally:
            self.held -= holding.size
