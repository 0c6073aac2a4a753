"""A real Valkey; a start finds it empty, since it keeps nothing."""

from pathlib import Path

from deploy.local.valkey import Valkey
from tests.parts.server import Server


class ValkeyServer(Server):
    def __init__(self, folder: Path) -> None:
        valkey = Valkey(folder=folder / "valkey")
        super().__init__(valkey, folder / "valkey.log")
        self.url = valkey.url
