"""What of a machine is Hive's, and what is not: told by names that Hive alone gives. Nothing is read beyond that, and nothing changed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent_sidecar.joined import JOINED_FILE
from bus.errors import Conflict, NotFound
from bus.messages import Message
from deploy.local.data_folder import RESTORING
from deploy.local.handover import HANDOVER, REQUEST
from deploy.local.socket_folder import short_folder

FILES: Final = frozenset(
    {"hive.json", "lock", "secrets.json", "credentials.key", "gui.secret", "nats.restore.conf", RESTORING, REQUEST, HANDOVER}
)
FOLDERS: Final = frozenset({"gui", "logs", "mcp", "nats", "nodes", "postgres", "postgres.new", "sidecar", "tls", "valkey"})
PROOFS: Final = ("secrets.json", "sidecar")
"""What shows whose the folder is. They go last, so that a removal that was cut short goes on when it is given again."""
SERVED: Final = ("postgres", "valkey")
"""Whose sockets may lie elsewhere, where the way to the data is long."""
BACKUPS: Final = "backups"
"""Never removed: they are what brings a hive back."""


class Removal(Message):
    path: Path
    what: str


class UninstallPlan(Message):
    """`left`: what stays, and whose it is to remove."""

    folder: Path
    removed: tuple[Removal, ...]
    left: tuple[str, ...] = ()


def real_folder(path: Path) -> Path:
    """The data folder itself. Conflict for a link: what it leads to is somebody else's, unless systemd keeps a unit's state there."""
    if not path.is_symlink():
        return path
    if path.resolve() == path.parent.resolve() / "private" / path.name:
        return path.resolve()
    raise Conflict(
        f"{path} is a link to {path.resolve()}, and links are not followed. Name that folder itself with HIVE_DATA_DIR."
    )


def of_folder(folder: Path, *, uid: int | None = None) -> tuple[list[Removal], list[str]]:
    """What is Hive's in it, and in sentences what stays. NotFound for a folder without anything of Hive's."""
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    own = [name for name in names if _is_own(name)]
    if not _is_hives(folder):
        raise NotFound(f"There is nothing of a hive in {folder}. Name its folder with HIVE_DATA_DIR.")
    removed = [Removal(path=folder / name, what=_what(folder / name)) for name in sorted(own, key=PROOFS.__contains__)]
    removed += [Removal(path=place, what="sockets") for place in _sockets(folder, os.geteuid() if uid is None else uid)]
    left = [
        f"{folder / name}: {'backups stay' if name == BACKUPS else 'not made by Hive'}" for name in names if name not in own
    ]
    return removed, left


def _is_hives(folder: Path) -> bool:
    """By what no other program writes: others have a folder `postgres`, and a `secrets.json`, too."""
    if (folder / "sidecar" / JOINED_FILE).is_file():
        return True
    try:
        content = json.loads((folder / "secrets.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "nats_password" in content


def _is_own(name: str) -> bool:
    """Also what was being written when its writer ended: `.secrets.json.x7d2a1`."""
    return name in FILES or name in FOLDERS or any(name.startswith(f".{known}.") for known in FILES)


def _what(path: Path) -> str:
    if path.is_symlink():
        return f"a link; what it leads to stays: {path.readlink()}"
    if path.name == "tls":
        return "with the authority by which hosts that joined know this hive: a backup has it only --with-secrets"
    return "with all that is in it" if path.is_dir() else ""


def _sockets(folder: Path, uid: int) -> Iterator[Path]:
    """In the temporary folder, by the owner that each server has."""
    for name in SERVED:
        data = folder / name
        owner = data.stat().st_uid if data.exists() else uid
        place = short_folder(data, owner)
        if place.is_dir() and not place.is_symlink() and place.stat().st_uid == owner:
            yield place


def of_nats_context(configuration: Path, name: str, password: str | None) -> list[Removal]:
    """The NATS CLI's context of this very hive, and its selection."""
    context, selection = configuration / "context" / f"{name}.json", configuration / "context.txt"
    try:
        content = json.loads(context.read_bytes())
    except (OSError, ValueError):
        return []
    if password is None or not isinstance(content, dict) or content.get("password") != password:
        return []
    found = [Removal(path=context, what="the NATS CLI's context of this hive")]
    if selection.is_file() and selection.read_text().strip() == name:
        found.append(Removal(path=selection, what="its selection"))
    return found
