"""`hive upgrade` on a GPU host: its sidecar drains, ends, and begins anew with what is installed."""

import sys
import time
from pathlib import Path
from typing import Final

from agent_sidecar.presence import Presence, read_presence
from bus.errors import Unavailable, UpgradeFailed
from bus.messages import Message
from bus.version import code_on_disk
from deploy.sidecar_host.facts import SYSTEM_FOLDER, UNIT, joined_host, systemctl, unit_of

PENDING: Final = 10
READY_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.1


class HostUpgrade(Message):
    """`runs` null: no sidecar runs here, or one that does not tell its version yet."""

    host: str
    installed: str
    runs: str | None
    restarted: bool = False


def upgrade(data_dir: Path, *, check: bool, as_json: bool) -> None:
    """Unavailable, with what to do, where nobody keeps the sidecar running; UpgradeFailed when it does not come back. SystemExit by --check."""
    joined = joined_host(data_dir)
    if joined is None:
        raise Unavailable(nothing_here(data_dir))
    before = read_presence(data_dir)
    unit = unit_of(data_dir, before.pid if before else None)
    if before is not None and unit is not None and unit.active and unit.pid != before.pid:
        before = None  # another one's word
    found = HostUpgrade(host=joined.name, installed=code_on_disk(), runs=before.version if before else None)
    if check or found.runs == found.installed:
        _show(found, as_json)
        sys.exit(PENDING if check and found.runs != found.installed else 0)
    if unit is None:
        raise Unavailable(by_hand(before, data_dir))
    print(f"The sidecar of {joined.name} drains: what runs here ends within seconds, or goes on elsewhere …", file=sys.stderr)
    if (reason := systemctl("restart", UNIT)) is not None:
        raise UpgradeFailed(f"systemd did not restart it: {reason}. As root: systemctl restart {UNIT}")
    _wait(data_dir, before, found.installed)
    _show(found.model_copy(update={"runs": found.installed, "restarted": True}), as_json)


def by_hand(running: Presence | None, data_dir: Path) -> str:
    """No unit keeps it running, so whoever started it has to."""
    start = f"HIVE_DATA_DIR={data_dir} hive run sidecar"
    if running is None:
        return f"No sidecar runs here, and systemd has no unit {UNIT}. Start it: {start}"
    return (
        f"The sidecar (process {running.pid}) was started by hand: systemd has no unit {UNIT}. End it (`kill {running.pid}`; what runs there ends "
        f"within seconds, or goes on elsewhere), then start it again: {start}"
    )


def nothing_here(data_dir: Path) -> str:
    """Neither a hive nor a sidecar's host."""
    hint = (
        f" A sidecar's unit keeps its own in {SYSTEM_FOLDER}: HIVE_DATA_DIR={SYSTEM_FOLDER} hive …"
        if SYSTEM_FOLDER.exists()
        else ""
    )
    return f"No hive runs on {data_dir.expanduser()}, and this host has joined none there. Start one with `hive up`, or name a folder with HIVE_DATA_DIR or a bus with NATS_URL.{hint}"


def _wait(data_dir: Path, before: Presence | None, installed: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        now = read_presence(data_dir)
        if now is not None and now.version == installed and (before is None or now.pid != before.pid):
            return
        time.sleep(LOOK_SECONDS)
    raise UpgradeFailed(
        f"The sidecar has not said within {READY_SECONDS:.0f} s that it is ready. See `journalctl -u {UNIT} -n 20`. To go back, install the "
        f"version from before and give `systemctl restart {UNIT}`."
    )


def _show(found: HostUpgrade, as_json: bool) -> None:
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    if found.restarted:
        print(f"The sidecar of {found.host} runs {found.installed} now.")
    else:
        runs = (
            f"The sidecar of {found.host} runs {found.runs}" if found.runs else f"No sidecar of {found.host} says what it runs"
        )
        print(f"{runs}; installed is {found.installed}.")
