"""A whole hive as a user has it: `hive up` in a folder of its own, on free ports, with no Ollama, so that it serves its small model."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from bus.permissions import ROOMS
from tests.parts.nats import violations

HIVE = Path(sys.executable).with_name("hive")
NO_OLLAMA = "http://127.0.0.1:9"
UP_SECONDS = 120
COMMAND_SECONDS = 60


class Hive:
    """`stop()` and `start()` keep the data. `address` and `pid` are what `hive status --json` prints.

    `within` goes before every command, such as one that enters a network namespace.
    """

    within: tuple[str, ...] = ()

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.log = folder, folder.with_name(f"{folder.name}.up.log")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HIVE_") and name != "NATS_URL"}
        ports = dict.fromkeys(("HIVE_API_PORT", "HIVE_GUI_PORT", "HIVE_NATS_PORT"), "0")
        self.env = {**inherited, **ports, "HIVE_DATA_DIR": str(folder), "OLLAMA_HOST": NO_OLLAMA, **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """What it printed until it was ready."""
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*self.within, HIVE, "up"], env=self.env, stdout=output, stderr=output, start_new_session=True
            )
        wait_until(lambda: "Ctrl-C stops it" in self.printed or self.process_ended, UP_SECONDS)
        if self.process_ended:
            raise AssertionError(f"hive up ended: {self.printed[-2000:]}")
        wait_until(lambda: "API" in self.printed, COMMAND_SECONDS)
        return self.printed

    @property
    def printed(self) -> str:
        return self.log.read_text()

    @property
    def process_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """As Ctrl-C does: to the whole process group. The exit status. No service may have tried what its identity does not allow."""
        assert self.process is not None
        if not self.process_ended:
            os.killpg(self.process.pid, number)
        status = self.process.wait(COMMAND_SECONDS)
        assert not self.refused(*ROOMS)
        return status

    def refused(self, *users: str) -> list[str]:
        """What the bus logged of them because they may not."""
        log = self.folder / "logs" / "nats.log"
        return violations(log.read_text(), *users) if log.exists() else []

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self.within, HIVE, *arguments], env=self.env, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def pids(self) -> dict[str, int]:
        """Of every supervised process that runs and is ready now; from the file behind `hive status`, which is quicker to ask."""
        listed = json.loads((self.folder / "hive.json").read_text())["processes"]
        return {process["name"]: process["pid"] for process in listed if process["state"] == "running"}

    def family(self) -> list[psutil.Process]:
        """The supervisor, its processes, and theirs."""
        assert self.process is not None
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]


def wait_until(condition: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not happen within {seconds:.0f} s")
        time.sleep(0.05)
