"""What a host knows of its sidecar: the hive that it joined, the process that runs, the unit of systemd that keeps it running."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent_sidecar.joined import Joined, read_joined

UNIT: Final = "hive-sidecar"
UNIT_FILE: Final = Path("/etc/systemd/system/hive-sidecar.service")
SYSTEM_FOLDER: Final = Path("/var/lib/hive")
"""Where the unit keeps its data folder (deploy/systemd)."""


@dataclass(frozen=True, slots=True)
class UnitState:
    """As systemd has it. `pid` 0: nothing runs."""

    active: bool
    pid: int


def joined_host(data_dir: Path) -> Joined | None:
    """Unavailable for what cannot be read."""
    return read_joined(data_dir)


def unit_state() -> UnitState | None:
    """None where there is no systemd, or no such unit."""
    if shutil.which("systemctl") is None:
        return None
    command = ["systemctl", "show", UNIT, "--property=LoadState,ActiveState,MainPID"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if told.get("LoadState") != "loaded":
        return None
    return UnitState(active=told.get("ActiveState") == "active", pid=int(told.get("MainPID") or 0))


def unit_of(data_dir: Path, running: int | None) -> UnitState | None:
    """The unit's, where it is the one that keeps this folder's sidecar running; another sidecar was started by hand. `running`: its number."""
    found = unit_state()
    if found is None or (found.pid and found.pid == running):
        return found
    return found if data_dir.expanduser().resolve() == SYSTEM_FOLDER.resolve() else None


def systemctl(*arguments: str) -> str | None:
    """Why it did not do it; None when it did."""
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False, timeout=120)
    return None if done.returncode == 0 else " ".join(done.stderr.split()) or f"it ended with status {done.returncode}"
