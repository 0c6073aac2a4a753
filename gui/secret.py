"""The secret that signs session cookies: made once, readable by its owner only, so that a restart logs nobody out."""

import os
import secrets
from pathlib import Path


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
