"""Debian's VictoriaMetrics on a free port and a folder of its own: it takes InfluxDB's line protocol, by both of its APIs."""

import json
import subprocess
import time
from pathlib import Path
from typing import Self

import httpx

from deploy.local.ports import free_port

READY_SECONDS = 30

Points = dict[tuple[str, str, int], float]
"""Values by agent, field and time (Unix milliseconds)."""


class VictoriaMetrics:
    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns once it serves, on the data that it had."""
        command = [
            "victoria-metrics",
            f"-httpListenAddr=127.0.0.1:{self._port}",
            "-storageDataPath=data",
            "-memory.allowedBytes=64MB",
        ]
        log = self._folder / "victoria.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=output, stderr=output)
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"VictoriaMetrics does not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()

    def points(self) -> Points:
        httpx.get(f"{self.url}/internal/force_flush", trust_env=False, timeout=10)
        asked = {"match[]": '{__name__=~"hive_agent_.+"}'}
        text = httpx.get(f"{self.url}/api/v1/export", params=asked, trust_env=False, timeout=10).text
        found: Points = {}
        for series in map(json.loads, text.splitlines()):
            name = series["metric"]["__name__"].removeprefix("hive_agent_")
            for value, at in zip(series["values"], series["timestamps"], strict=True):
                found[series["metric"]["agent_id"], name, at] = value
        return found

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False
