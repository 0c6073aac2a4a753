"""The dashboard as its own process, as `hive up` starts it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from deploy.local.ports import free_port

START_SECONDS = 60
ROOT = Path(__file__).parents[2]


class GuiProcess:
    """`python -m gui.main` on a free port, with a folder of its own, and with `more` in its environment."""

    def __init__(self, folder: Path, nats_url: str, more: Mapping[str, str] | None = None) -> None:
        self.more = dict(more or {})
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._nats_url = nats_url
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        env = {**os.environ, "NATS_URL": self._nats_url, "HIVE_DATA_DIR": str(self.folder), "HIVE_GUI_PORT": str(self.port)}
        env |= self.more
        env.pop("PYTEST_CURRENT_TEST", None)
        self.process = _spawn(env, self.folder / "gui.log")
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS):
            while not await _answers(client, f"{self.url}/healthz"):
                assert self.process.poll() is None, (self.folder / "gui.log").read_text()
                await asyncio.sleep(0.05)

    @property
    def log(self) -> str:
        return (self.folder / "gui.log").read_text()

    def stop(self, within_seconds: float) -> int:
        """SIGTERM; the exit code. subprocess.TimeoutExpired when it is not gone in time."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_seconds)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _spawn(env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen([sys.executable, "-m", "gui.main"], env=env, cwd=ROOT, stdout=file, stderr=file)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False
