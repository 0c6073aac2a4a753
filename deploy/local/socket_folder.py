"""Where a unix socket lies: beside the data, or, since its path may not be longer than about 100 bytes, in a short place."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from bus.errors import Unavailable

_MAX_BYTES: Final = 100
"""Linux allows 107, macOS 103."""


def socket_folder(beside: Path, socket_name: str, owner: tuple[int, int] | None = None) -> Path:
    """`beside` itself where the path is short enough; else a folder of that owner's (default: this user's), closed to others."""
    if len(os.fsencode(beside / socket_name)) <= _MAX_BYTES:
        return beside
    uid, gid = owner or (os.geteuid(), os.getegid())
    folder = short_folder(beside, uid)
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    except FileExistsError:
        _check(folder, uid)
    return folder


def short_folder(beside: Path, uid: int) -> Path:
    """Where sockets of that owner lie for data in a place with a long way."""
    return Path(tempfile.gettempdir()) / f"hive-{uid}-{hashlib.sha256(os.fsencode(beside)).hexdigest()[:12]}"


def _check(folder: Path, uid: int) -> None:
    status = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or status.st_uid != uid or status.st_mode & 0o077:
        raise Unavailable(f"{folder} is not a private folder of this hive. Remove it, or choose a shorter HIVE_DATA_DIR.")
