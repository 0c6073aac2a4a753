"""The log files of a hive: appended to by each process itself, so that nothing is lost when somebody else ends."""

from pathlib import Path
from typing import Final

MAX_LOG_BYTES: Final = 10 * 1024 * 1024
KEPT_LOGS: Final = 3


def rotate(log: Path) -> None:
    """`name.log` becomes `name.log.1`, and so on, once it is large; at a start, when nobody writes to it."""
    if not log.exists() or log.stat().st_size < MAX_LOG_BYTES:
        return
    for number in range(KEPT_LOGS, 0, -1):
        older = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def last_lines(log: Path, count: int = 3) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "(nothing)"
    return " | ".join(line.strip()[-300:] for line in lines[-count:]) or "(nothing)"
