"""When the examples happened."""

from datetime import UTC, datetime
from typing import Final

NOON: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
