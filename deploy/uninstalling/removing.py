"""Removes what a plan lists. Links are removed, and never followed."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bus.errors import Unavailable
from deploy.uninstalling.plan import Removal


def remove(removals: Iterable[Removal], folder: Path) -> None:
    """And the data folder itself, where nothing is left in it. Unavailable, when something cannot be removed; giving it again goes on."""
    for removal in removals:
        try:
            _remove(removal.path)
        except OSError as error:
            raise Unavailable(
                f"{error.filename or removal.path} cannot be removed: {error.strerror}. Mend that, and give `hive uninstall` again."
            ) from None
    with suppress(OSError):  # what is left in it is not ours
        folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
