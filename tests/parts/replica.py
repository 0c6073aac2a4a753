"""One service of a hive as `hive run SERVICE` starts it: one process, found by its pid, ended and started again."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deploy.local.launch import Launch, start

HIVE = Path(sys.executable).with_name("hive")
END_SECONDS = 20


class Replica:
    """`environment` beside what the test has itself. `log` takes both outputs, of every run. `first`: another command, for the first run."""

    def __init__(
        self,
        name: str,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        log: Path,
        first: tuple[str, ...] | None = None,
    ) -> None:
        self.name, self.log = name, log
        self._launch = Launch(name=name, command=command, environment=environment)
        self._first = first
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of(cls, service: str, name: str, environment: Mapping[str, str], folder: Path, first: Path = HIVE) -> "Replica":
        """`first`: the `hive` of its first run, which may be that of another release."""
        command, begins = ((str(hive), "run", service) for hive in (HIVE, first))
        return cls(name, command, environment, folder / f"{name}.log", begins)

    def start(self) -> None:
        first = self._first if self.process is None else None
        self.process = start(replace(self._launch, command=first) if first else self._launch, self.log)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def stop(self) -> None:
        """As an operator or a unit file does: SIGTERM, and wait. AssertionError when it does not go."""
        assert self.process is not None
        self.process.terminate()
        try:
            async with asyncio.timeout(END_SECONDS):
                while self.process.poll() is None:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{self.name} did not end within {END_SECONDS} s of SIGTERM: {self.tail()}") from None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tail(self) -> str:
        return self.log.read_text()[-2000:] if self.log.exists() else ""
