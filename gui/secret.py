"""The secret that signs session cookies, and logins that replicas share: given, or made once and readable by its owner only, so that a
restart logs nobody out.
"""

import os
import secrets
from pathlib import Path

from gui.settings import GuiSettings


def secret_of(settings: GuiSettings) -> str:
    return settings.gui_secret.get_secret_value() if settings.gui_secret else storage_secret(settings.data_dir)


def storage_secret(data_dir: Path) -> str:
    """Of `<data dir>/gui.secret`, which is made when it is missing."""
    path = data_dir / "gui.secret"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secret := secrets.token_hex(32))
    return secret
