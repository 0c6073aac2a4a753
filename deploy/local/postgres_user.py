"""PostgreSQL refuses to run as root, as containers and small servers do; then it runs as a system user of its own."""

import os
import pwd
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from bus.errors import Unavailable

NAME: Final = "hive_postgres"


def system_user(folder: Path) -> tuple[int, int] | None:
    """The uid and gid to run as; None when this process is not root. Who owns the data already stays its owner."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (owner := folder.stat()).st_uid != 0:
        return owner.st_uid, owner.st_gid
    entry = _entry() or _add()
    return entry.pw_uid, entry.pw_gid


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _add() -> pwd.struct_passwd:
    with suppress(FileNotFoundError):
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME], check=False, capture_output=True
        )
    if (entry := _entry()) is None:  # another hive may have added it at the same moment
        raise Unavailable(
            f"PostgreSQL does not run as root, and the system user {NAME} could not be added. "
            "Run hive as another user, or give HIVE_DATABASE_URL to use a server you have."
        )
    return entry


def let_pass(path: Path) -> None:
    """Let other users walk through the folders above `path`, where they cannot; they still cannot list them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
