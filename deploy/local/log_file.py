"""The log files of a hive: appended to by each process itself, so that nothing is lost when somebody else ends."""

import shutil
from pathlib import Path
from typing import Final

MAX_LOG_BYTES: Final = 10 * 1024 * 1024
KEPT_LOGS: Final = 3
LOOK_SECONDS: Final = 10.0
"""How often the log of a process that runs is looked at."""


def rotate(log: Path) -> None:
    """`name.log` becomes `name.log.1`, and so on, once it is large; also while a process writes to it. Blocking. OSError.

    Its writer has the file open and goes on with it, so it is copied and emptied; appending begins at the start again.
    """
    if not log.exists() or log.stat().st_size < MAX_LOG_BYTES:
        return
    for number in range(KEPT_LOGS, 1, -1):
        older = rotated(log, number - 1)
        if older.exists():
            older.replace(rotated(log, number))
    _move_content(log, rotated(log, 1))


def rotated(log: Path, number: int) -> Path:
    """1 is the youngest. A new rotation is a new file, by which who follows the log notices it."""
    return log.with_name(f"{log.name}.{number}")


def _move_content(log: Path, to: Path) -> None:
    """All of it but what is written within microseconds: what comes during the copying is copied too."""
    half = to.with_name(f"{to.name}.half")
    with log.open("r+b", buffering=0) as source, half.open("wb", buffering=0) as target:
        shutil.copyfileobj(source, target)
        shutil.copyfileobj(source, target)  # the first one ends where the end was when it got there
        source.truncate(0)
    half.replace(to)


def last_lines(log: Path, count: int = 3) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "(nothing)"
    return " | ".join(line.strip()[-300:] for line in lines[-count:]) or "(nothing)"
