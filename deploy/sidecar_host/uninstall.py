"""`hive uninstall` on a GPU host: its sidecar ends, its unit and what it kept are removed, and the hive is told by whoever runs that."""

import sys
from pathlib import Path
from typing import Final

from agent_sidecar.presence import read_presence
from bus.errors import InvalidRequest, Unavailable
from deploy.sidecar_host.facts import UNIT, UNIT_FILE, joined_host, systemctl, unit_of
from deploy.sidecar_host.upgrade import nothing_here
from deploy.uninstalling.plan import Removal, UninstallPlan, of_folder, real_folder
from deploy.uninstalling.removing import remove

OURS: Final = Path(__file__).parents[1] / "systemd" / UNIT_FILE.name
ENVIRONMENT: Final = Path("/etc/hive/sidecar.env")


def uninstall(data_dir: Path, *, check: bool, yes: bool, keep_data: bool, as_json: bool) -> None:
    """Unavailable, InvalidRequest, Conflict, NotFound: each in words, and then nothing was removed."""
    path = data_dir.expanduser().absolute()
    joined = joined_host(path)
    if joined is None:
        raise Unavailable(nothing_here(path))
    running = read_presence(path)
    unit = unit_of(path, running.pid if running else None)
    plan = planned(path, keep_data=keep_data, with_unit=unit is not None)
    _show(plan, joined.name, as_json)
    if check:
        return
    if unit is None and running is not None:
        raise Unavailable(
            f"The sidecar runs as process {running.pid}, and was started by hand. End it first: kill {running.pid}"
        )
    if not yes:
        _ask(joined.name)
    if unit is not None and (reason := systemctl("disable", "--now", UNIT)) is not None:
        raise Unavailable(f"systemd did not end the sidecar: {reason}. As root: systemctl disable --now {UNIT}")
    remove(plan.removed, plan.folder)
    _unlink_dangling(path)
    if unit is not None:
        systemctl("daemon-reload")
    if not as_json:
        print(
            f"{joined.name} has left the hive at {joined.api}. There, take its key away and forget it: hive agents remove {joined.name}"
        )


def planned(path: Path, *, keep_data: bool, with_unit: bool, unit_file: Path = UNIT_FILE) -> UninstallPlan:
    folder = real_folder(path)
    removed, left = of_folder(folder)
    if keep_data:
        removed, left = [], [f"{folder}: kept, with the key by which the hive knows this host"]
    if with_unit and unit_file.is_file() and not unit_file.is_symlink():
        if unit_file.read_bytes() == OURS.read_bytes():
            removed.append(Removal(path=unit_file, what="the unit, as Hive brings it; it is stopped and disabled first"))
        else:
            left.append(f"{unit_file}: is changed, so it is yours; it is stopped and disabled")
    if ENVIRONMENT.exists():
        left.append(f"{ENVIRONMENT}: yours, and may hold keys")
    left.append(f"{sys.prefix}: the environment that hive is installed in; remove it by hand")
    return UninstallPlan(folder=folder, removed=tuple(removed), left=tuple(left))


def _show(plan: UninstallPlan, name: str, as_json: bool) -> None:
    if as_json:
        print(plan.model_dump_json(indent=2))
        return
    print(f"{name} would leave its hive. Removed:")
    for each in plan.removed:
        print(f"  {each.path}{f'  ({each.what})' if each.what else ''}")
    print("Left:")
    for line in plan.left:
        print(f"  {line}")


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidRequest("Nothing was removed: nobody is here to ask. Say --yes.")
    if input(f"Type the host's name ({name}) to remove all this: ").strip() != name:
        raise InvalidRequest("Nothing was removed.")


def _unlink_dangling(path: Path) -> None:
    """The link that systemd made for the unit's state, once what it led to is gone."""
    if path.is_symlink() and not path.exists():
        path.unlink()
