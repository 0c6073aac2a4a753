"""A real Valkey; a start finds it empty, since it keeps nothing."""

import os
from pathlib import Path
from typing import Final

from deploy.local.valkey import Valkey
from tests.parts.server import Server

PROGRAM: Final = os.environ.get("HIVE_TEST_REDIS")
"""Another server's program: every test then runs on that one (`make oldest`)."""


class ValkeyServer(Server):
    def __init__(self, folder: Path, *, program: str | None = PROGRAM) -> None:
        valkey = Valkey(folder=folder / "valkey", program=Path(program) if program else None)
        super().__init__(valkey, folder / "valkey.log")
        self.url = valkey.url
