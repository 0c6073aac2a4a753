"""One embedded server as a test has it: started, killed as `kill -9` does, started again on the same data."""

import asyncio
import subprocess
import time
from pathlib import Path

from deploy.local.launch import Part, start

READY_SECONDS = 60


class Server:
    def __init__(self, part: Part, log: Path) -> None:
        self.part, self.log = part, log
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Returns at once."""
        self._prepare()
        self._launch()

    def start(self) -> None:
        """Returns once it serves."""
        self.launch()
        deadline = time.monotonic() + READY_SECONDS
        while not self.part.ready():
            self._check(deadline)
            time.sleep(0.01)

    async def come_up(self) -> None:
        """As `start`, while everything else goes on."""
        await asyncio.to_thread(self._prepare)
        self._launch()
        deadline = time.monotonic() + READY_SECONDS
        while not await asyncio.to_thread(self.part.ready):
            self._check(deadline)
            await asyncio.sleep(0.01)

    def _prepare(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.part.prepare()

    def _launch(self) -> None:
        self.process = start(self.part.launch(), self.log)

    def _check(self, deadline: float) -> None:
        assert self.process is not None
        if self.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{self.part.name} does not start: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """As the supervisor does."""
        assert self.process is not None
        self.process.send_signal(self.part.launch().stop_signal)
        self.process.wait(READY_SECONDS)
