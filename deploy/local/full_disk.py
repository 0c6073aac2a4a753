"""nats-server never writes again to a stream that once found the disk full, though there may be room since: it must be started anew.

Seen with 2.15.1: every write to such a stream goes unanswered and leaves a line in the log, until the process ends.
"""

import shutil
from pathlib import Path
from typing import Final

COMPLAINT: Final = b"no space left on device"
ROOM_BYTES: Final = 32 * 1024 * 1024
"""Less would be full again within seconds."""


class FullDisk:
    """Of the server whose store lies in `folder`. Looks at what was added to its log since it last looked."""

    def __init__(self, folder: Path, room_bytes: int = ROOM_BYTES) -> None:
        self._folder, self._room_bytes = folder, room_bytes
        self._seen = 0
        self._complained = False

    def begin(self, log: Path) -> None:
        """A process starts now: what is in the log already is another's. Blocking."""
        self._seen, self._complained = log.stat().st_size if log.exists() else 0, False

    def is_over(self, log: Path) -> bool:
        """Whether the disk was full for this process, and is not any more. Blocking. OSError."""
        self._complained = self._complained or COMPLAINT in self._added(log)
        return self._complained and shutil.disk_usage(self._folder).free >= self._room_bytes

    def _added(self, log: Path) -> bytes:
        size = log.stat().st_size
        with log.open("rb") as file:
            file.seek(self._seen if self._seen <= size else 0)  # it was emptied meanwhile (log_file.py)
            added = file.read()
        self._seen = size
        return added
