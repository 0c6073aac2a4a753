"""Who the sidecar of a host that has joined is just now, for the commands on that host. What it cannot write down, nobody is told."""

import os
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import ValidationError

from agent_sidecar.joined import folder_of
from bus.messages import Message
from bus.version import code_version

PRESENCE_FILE = "running.json"
LEEWAY_SECONDS = 1.0
"""The kernel's clock for beginnings and the file system's differ a little."""


class Presence(Message):
    """`version`: of the code that it runs."""

    pid: int
    version: str


def tell_presence(data_dir: Path) -> None:
    place = folder_of(data_dir) / PRESENCE_FILE
    with suppress(OSError):
        place.write_text(Presence(pid=os.getpid(), version=code_version()).model_dump_json())


def read_presence(data_dir: Path) -> Presence | None:
    """None where none was told, or whoever told it has gone. A number may be another process's since: that one is younger than the file."""
    file = folder_of(data_dir) / PRESENCE_FILE
    try:
        found = Presence.model_validate_json(file.read_bytes())
        if psutil.Process(found.pid).create_time() > file.stat().st_mtime + LEEWAY_SECONDS:
            return None
    except (OSError, ValidationError, psutil.Error):
        return None
    return found
